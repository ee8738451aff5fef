import {
  abortedError,
  isStoreError,
  sleep,
  type TagEntry,
  type TagWatchOptions,
} from "@bitstore/core";
import { type LogContext, requestOf } from "./context.ts";

/**
 * Yields entries as they come, by asking for the next sequence again and again: one small GET each
 * time, and none is left out. What fails for a while is asked again, however long that lasts.
 */
export async function* watch(
  { heads, entries, calls, clock, limits, format }: LogContext,
  tag: string,
  options: TagWatchOptions,
): AsyncGenerator<TagEntry, void, void> {
  const { signal } = options;
  const request = requestOf("watch", tag, options);
  let seq = options.since;
  for (;;) {
    const entry = await ask(seq);
    if (entry !== undefined) {
      ({ seq } = entry);
      yield entry;
      continue;
    }
    await sleep(clock, limits.pollMs, signal).catch(() => {
      if (signal !== undefined) throw abortedError("watch", signal, tag);
    });
  }

  /** Reads what comes after a sequence, or the newest; undefined where nothing does, or answers. */
  async function ask(after: number | undefined): Promise<TagEntry | undefined> {
    try {
      await format.beforeRead(options);
      const deadlineMs = calls.deadline();
      if (after === undefined) {
        const head = await heads.read(tag, request, deadlineMs);
        seq = head.seq;
        return head.entry;
      }
      const entry = await calls.retried(request, deadlineMs, (call) =>
        entries.read(tag, after + 1, call),
      );
      if (entry !== undefined) heads.learn(tag, entry);
      return entry;
    } catch (error) {
      if (isStoreError(error) && error.persistence === "exhausted") return undefined;
      throw error;
    }
  }
}
