import { mapConcurrent, orAborted } from "@bitstore/core";
import type { ProbeContext } from "./probe-context.ts";

/** Milliseconds that it may take in all. */
const cleanUpMs = 20_000;
const concurrencyMax = 16;

/**
 * Deletes what a run has written, as far as that can be done: the keys that it put, and what a list
 * shows beside them. What can't be deleted stays below the run's own prefix.
 */
export async function cleanUp(context: ProbeContext): Promise<void> {
  const { fence, bucket, clock, mayWrite, prefix } = context;
  if (!mayWrite || !bucket.capabilities.delete) return;
  // A bucket that was not written to is not asked anything any more.
  if (fence.keys.size === 0) return;
  const controller = new AbortController();
  const { signal } = controller;
  const cancel = clock.after(cleanUpMs, () => controller.abort());
  const within = <T>(work: Promise<T>): Promise<T> => orAborted(work, signal, "clean up", prefix);
  try {
    // A put that was aborted may still be done, and would come after its delete.
    await within(Promise.all(fence.pending));
    await deleteAll(context, [...fence.keys], signal);
    if (bucket.capabilities.list)
      await deleteAll(context, await within(listed(context, signal)), signal);
  } catch {
    // A bucket that fails now was reported as failing, and a clean-up is no reason to hide that.
  } finally {
    cancel();
  }
}

async function listed({ bucket, prefix }: ProbeContext, signal: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  // Lists of a bucket that ignores the prefix as well: nothing of anybody else's is deleted.
  for await (const { key } of bucket.list(prefix, { signal })) {
    if (!key.startsWith(prefix)) break;
    keys.push(key);
    if (keys.length === leftMax) break;
  }
  return keys;
}

/** Objects that a run writes at most, amply. */
const leftMax = 2000;

async function deleteAll(
  { bucket }: ProbeContext,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const limits = { concurrencyMax, ordered: false, waitingMax: concurrencyMax, signal };
  const remove = async (key: string): Promise<boolean> => {
    const deleting = bucket.delete(key, { signal });
    return await orAborted(deleting, signal, "delete", key).catch(() => false);
  };
  for await (const _ of mapConcurrent(keys, limits, remove)) if (signal.aborted) break;
}
