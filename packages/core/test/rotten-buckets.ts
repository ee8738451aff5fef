import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type AlarmEvent,
  type Bucket,
  type Content,
  contentOfBytes,
  type ReadOptions,
} from "@bitstore/core";
import { afterEach, beforeEach } from "vitest";

/** Collects what is raised on the channel of alarms while each test runs. */
export function collectAlarms(): AlarmEvent[] {
  const alarms: AlarmEvent[] = [];
  const onAlarm = (event: unknown): void => void alarms.push(event as AlarmEvent);
  beforeEach(() => {
    alarms.length = 0;
    subscribe("bitstore:alarm", onAlarm);
  });
  afterEach(() => void unsubscribe("bitstore:alarm", onAlarm));
  return alarms;
}

/** Changes what reads of one key give, by the number of the read; as the way to a service may. */
export function flipping(
  inner: Bucket,
  key: string,
  flip: (bytes: Uint8Array, read: number) => Uint8Array,
): Bucket & { readonly reads: () => number } {
  let reads = 0;
  return {
    ...inner,
    reads: () => reads,
    async read(asked: string, options?: ReadOptions): Promise<Content | undefined> {
      const content = await inner.read(asked, options);
      if (content === undefined || asked !== key) return content;
      reads += 1;
      const { size, version, source } = content;
      const bytes = flip(new Uint8Array(await content.bytes()), reads);
      return contentOfBytes({ size, version, source }, bytes);
    },
  };
}

/** Calls back before each put, which may wait, fail, or have the put reject. */
export function beforePuts(
  inner: Bucket,
  before: (key: string, ifVersion: string | undefined) => Promise<void>,
): Bucket {
  return {
    ...inner,
    async put(key, body, options) {
      await before(key, options?.ifVersion);
      return await inner.put(key, body, options);
    },
  };
}

export async function keysOf(bucket: Bucket, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
}

/** Resolves to the text of an object; undefined where it is absent. */
export async function textOf(bucket: Bucket, key: string): Promise<string | undefined> {
  const content = await bucket.read(key);
  return content === undefined ? undefined : new TextDecoder().decode(await content.bytes());
}
