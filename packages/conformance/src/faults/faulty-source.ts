import type { BlobSource, BlobStore } from "@bitstore/core";
import type { FaultScript } from "./fault.ts";
import { type FaultLayer, type FaultOptions, faultLayer } from "./fault-layer.ts";
import type { Ledger } from "./ledger.ts";

/** A source with faults, and the ledger of what it was asked. */
export interface FaultySource extends BlobSource {
  readonly ledger: Ledger;
}

/** A store with faults, and the ledger of what it was asked. */
export interface FaultyStore extends BlobStore {
  readonly ledger: Ledger;
}

/** Puts faults between a caller and a source, as {@link faultyStore} does for a store. */
export function faultySource(
  inner: BlobSource,
  script: FaultScript,
  options?: FaultOptions,
): FaultySource {
  return sourceOn(inner, faultLayer(inner.name, script, options));
}

/**
 * Puts faults between a caller and a store, call by call as a script says, and counts calls, bytes
 * and open reads. Without faults it is a store like the one inside; make it a tier, and a composite
 * meets a tier that is down, slow, truncating, rotten, or lying.
 */
export function faultyStore(
  inner: BlobStore,
  script: FaultScript,
  options?: FaultOptions,
): FaultyStore {
  const layer = faultLayer(inner.name, script, options);
  return {
    ...sourceOn(inner, layer),
    put: (body, call = {}) =>
      layer.run({ operation: "put", subject: call.digest ?? "", options: call }, ({ body: wrap }) =>
        inner.put(wrap(body), call),
      ),
    delete: (digest, call = {}) =>
      layer.run({ operation: "delete", subject: digest, options: call }, async ({ fault }) =>
        fault.miss === true ? false : await inner.delete(digest, call),
      ),
    list: (call = {}) =>
      layer.items({ operation: "list", subject: call.startAfter ?? "", options: call }, () =>
        inner.list(call),
      ),
  };
}

function sourceOn(inner: BlobSource, layer: FaultLayer): FaultySource {
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    ledger: layer.ledger,
    stat: (digest, call = {}) =>
      layer.run({ operation: "stat", subject: digest, options: call }, async ({ fault }) => {
        const found = fault.miss === true ? undefined : await inner.stat(digest, call);
        return found === undefined
          ? undefined
          : { ...found, size: found.size + (fault.sizeBy ?? 0) };
      }),
    open: (digest, call = {}) =>
      layer.run(
        { operation: "open", subject: digest, options: call, range: call.range },
        async ({ fault, content }) => {
          if (fault.miss === true) return undefined;
          const range = fault.ignoreRange === undefined ? call.range : undefined;
          return content(await inner.open(digest, { ...call, range }));
        },
      ),
    async [Symbol.asyncDispose]() {
      layer.dispose();
      await inner[Symbol.asyncDispose]();
    },
  };
}
