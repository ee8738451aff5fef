import {
  abortedError,
  isStoreError,
  parseTagName,
  StoreError,
  type TagEntry,
  type TagWatchOptions,
  throwIfAborted,
} from "@bitstore/core";
import { ask } from "../wire/ask.ts";
import { problemError } from "../wire/problem.ts";
import { pauseBefore } from "../wire/repeat.ts";
import type { Asked } from "../wire/transport.ts";
import { checkSeq } from "./check-write.ts";
import { parseEntry } from "./parse-entry.ts";
import { readEntry } from "./read-tag.ts";
import { readEvents } from "./read-events.ts";
import { learnEntry, type TagApi } from "./tag-api.ts";
import { tagPath } from "./tag-path.ts";

/**
 * Yields entries as the server tells them, by server-sent events. A connection that breaks, or says
 * nothing for too long, is made again after the last entry that came, however long that takes; what
 * can't be helped by asking again is thrown.
 */
export async function* watchTag(
  tags: TagApi,
  tag: string,
  options: TagWatchOptions,
): AsyncGenerator<TagEntry, void, void> {
  const { signal } = options;
  parseTagName(tag);
  const asked: Asked = { operation: "watch", subject: tag, source: tags.api.name };
  if (options.since !== undefined) checkSeq(options.since, 0, asked);
  throwIfAborted(signal, "watch", tag);
  let seq = options.since;
  for (let failures = 0; ; ) {
    try {
      if (seq === undefined) {
        // Asked once and for all, so that what comes while the connection is away is not left out.
        const head = await readEntry(tags, tag, "watch", {}, { signal });
        seq = head?.seq ?? 0;
        if (head !== undefined) yield head;
      }
      for await (const entry of connection(tags, tag, seq, asked, signal)) {
        failures = 0;
        if (entry.seq <= seq) continue;
        // An entry between was lost on the way: the next connection begins before it.
        if (entry.seq > seq + 1) break;
        ({ seq } = entry);
        learnEntry(tags, entry);
        yield entry;
      }
    } catch (error) {
      if (signal?.aborted) throw abortedError("watch", signal, tag);
      if (!isStoreError(error) || error.persistence === "permanent") throw error;
    }
    failures += 1;
    await pauseBefore(tags.api, "watch", failures, signal);
  }
}

/** Yields what one connection brings. Its end is no answer: there is always more to come. */
async function* connection(
  { api }: TagApi,
  tag: string,
  since: number,
  asked: Asked,
  signal: AbortSignal | undefined,
): AsyncGenerator<TagEntry, void, void> {
  const answer = await ask(api, {
    method: "GET",
    path: `${tagPath(tag)}/watch`,
    query: { since },
    headers: { accept: "text/event-stream", "last-event-id": `${since}` },
    operation: "watch",
    subject: tag,
    signal,
    stallMs: api.limits.watchStallMs,
  });
  if (answer.status !== 200) throw await problemError(answer);
  if (answer.header("content-type")?.startsWith("text/event-stream") !== true) {
    answer.discard();
    const message = "the server answered a watch with something else than events";
    throw new StoreError({ code: "INTERNAL", ...asked, message });
  }
  for await (const { type, data } of readEvents(answer.chunks(), asked)) {
    if (type !== "message" && type !== "entry") continue;
    yield parseEntry(parsed(data, asked), asked);
  }
}

function parsed(data: string, asked: Asked): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new StoreError({ code: "INTERNAL", ...asked, message: "an event is no JSON", cause });
  }
}
