import type { Bucket, ObjectInfo } from "@bitstore/core";
import type { Fault, FaultScript } from "./fault.ts";
import { type FaultOptions, faultLayer } from "./fault-layer.ts";
import type { Ledger } from "./ledger.ts";

/** A bucket with faults, and the ledger of what it was asked. */
export interface FaultyBucket extends Bucket {
  readonly ledger: Ledger;
}

/**
 * Puts faults between a caller and a bucket, call by call as a script says, and counts calls, bytes
 * and open reads. Without faults it is a bucket like the one inside. It shows how what is built on
 * buckets takes bad weather: errors, silence, bodies that end early, sizes that are wrong.
 *
 * @example
 * const script = inTurn({ read: { body: { atByte: 9, effect: "end" } } });
 * const bucket = faultyBucket(memoryBucket(), script);
 * expect(bucket.ledger.openReads).toBe(0); // nothing leaked
 */
export function faultyBucket(
  inner: Bucket,
  script: FaultScript,
  options?: FaultOptions,
): FaultyBucket {
  const layer = faultLayer(inner.name, script, options);
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    ledger: layer.ledger,
    service: inner.service,
    serviceTime: () => inner.serviceTime(),
    head: (key, call = {}) =>
      layer.run({ operation: "head", subject: key, options: call }, async ({ fault }) => {
        const info = fault.miss === true ? undefined : await inner.head(key, call);
        return info === undefined ? undefined : sized(info, fault);
      }),
    read: (key, call = {}) =>
      layer.run(
        { operation: "read", subject: key, options: call, range: call.range },
        async ({ fault, content }) => {
          if (fault.miss === true) return undefined;
          const range = fault.ignoreRange === undefined ? call.range : undefined;
          return content(await inner.read(key, { ...call, range }));
        },
      ),
    put: (key, body, call = {}) =>
      layer.run({ operation: "put", subject: key, options: call }, ({ body: wrap }) =>
        inner.put(key, wrap(body), call),
      ),
    delete: (key, call = {}) =>
      layer.run({ operation: "delete", subject: key, options: call }, async ({ fault }) =>
        fault.miss === true ? false : await inner.delete(key, call),
      ),
    list: (prefix, call = {}) =>
      layer.items({ operation: "list", subject: prefix, options: call }, () =>
        inner.list(prefix, call),
      ),
    listPrefixes: (prefix, call = {}) =>
      layer.items({ operation: "listPrefixes", subject: prefix, options: call }, () =>
        inner.listPrefixes(prefix, call),
      ),
    async [Symbol.asyncDispose]() {
      layer.dispose();
      await inner[Symbol.asyncDispose]();
    },
  };
}

function sized(info: ObjectInfo, { sizeBy = 0 }: Fault): ObjectInfo {
  return { ...info, size: info.size + sizeBy };
}
