import {
  type BlobStore,
  bucketStore,
  type Clock,
  type Digest,
  memoryBucket,
  shardedLayout,
  sleep,
  withHedge,
} from "@bitstore/core";
import type { Delay } from "./slow-proxy.ts";

/** Reads on a clock of their own: what they take is the service's delay, whatever the machine does. */
export interface VirtualReads {
  /** Milliseconds of each, ascending. */
  readonly times: readonly number[];
  /** Requests that the store was sent. */
  readonly requests: number;
}

/** Reads a blob many times from a store whose answers are late, some reads at a time. */
export async function virtualReads(
  delay: Delay,
  options: { readonly hedge: boolean; readonly reads: number; readonly lanes: number },
): Promise<VirtualReads> {
  const time = virtualClock();
  const inner = bucketStore(memoryBucket(), shardedLayout(""));
  const { digest } = await inner.put(new Uint8Array(100));
  let requests = 0;
  const slow: BlobStore = {
    ...inner,
    async open(wanted, call) {
      requests += 1;
      await sleep(time.clock, delay(), call?.signal);
      return await inner.open(wanted, call);
    },
  };
  const store = options.hedge ? withHedge(slow, { clock: time.clock }) : slow;
  const times: number[] = [];
  let left = options.reads;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      times.push(await readOnce(store, digest, time.clock));
    }
  };
  const lanes = Promise.all(Array.from({ length: options.lanes }, lane));
  await Promise.race([lanes, time.run()]);
  await lanes;
  return { times: times.toSorted((one, other) => one - other), requests };
}

async function readOnce(store: BlobStore, digest: Digest, clock: Clock): Promise<number> {
  const startedMs = clock.now();
  const content = await store.open(digest);
  await content?.bytes();
  return clock.now() - startedMs;
}

/** A clock that goes on to its next timer as soon as nothing else is to be done. */
function virtualClock(): { readonly clock: Clock; run(): Promise<void> } {
  const timers = new Map<object, { readonly atMs: number; readonly callback: () => void }>();
  let nowMs = 0;
  return {
    clock: {
      now: () => nowMs,
      after(delayMs, callback) {
        const key = {};
        timers.set(key, { atMs: nowMs + delayMs, callback });
        return () => void timers.delete(key);
      },
    },
    async run() {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const next = [...timers].sort(([, one], [, other]) => one.atMs - other.atMs)[0];
        if (next === undefined) return;
        timers.delete(next[0]);
        nowMs = next[1].atMs;
        next[1].callback();
      }
    },
  };
}
