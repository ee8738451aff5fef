import {
  parseTagName,
  type TagHistoryOptions,
  type TagListOptions,
  type TagRecord,
  throwIfAborted,
} from "@bitstore/core";
import { fieldsOf } from "../wire/fields.ts";
import { checkSeq } from "./check-write.ts";
import { parseRecord } from "./parse-entry.ts";
import { readTagJson } from "./read-tag.ts";
import type { TagApi } from "./tag-api.ts";
import { tagPath } from "./tag-path.ts";

/** Records or names of one page. */
const pageMax = 1000;

interface Page<T, P> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined at the end. */
  readonly next: P | undefined;
}

/** Yields a tag's records, newest first, page by page. */
export async function* readHistory(
  tags: TagApi,
  tag: string,
  options: TagHistoryOptions,
): AsyncGenerator<TagRecord, void, void> {
  parseTagName(tag);
  const asked = { operation: "history", subject: tag, source: tags.api.name };
  const { limit, signal } = options;
  if (limit !== undefined) checkSeq(limit, 0, asked);
  if (options.before !== undefined) checkSeq(options.before, 0, asked);
  const page = async (before: number | undefined, n: number): Promise<Page<TagRecord, number>> => {
    const path = `${tagPath(tag)}/history`;
    const question = { ...asked, path, query: { before, n }, signal };
    const found = await readTagJson(tags, question, (value) => {
      const fields = fieldsOf(value, asked);
      const items = fields.objects("records").map((each) => parseRecord(each, asked));
      return { items, next: fields.maybe("next", fields.whole) };
    });
    return found ?? { items: [], next: undefined };
  };
  yield* pages("history", options.before, limit, signal, page);
}

/** Yields the names of tags in the order of `compareTagNames`, page by page. */
export async function* readNames(
  tags: TagApi,
  options: TagListOptions,
): AsyncGenerator<string, void, void> {
  const { prefix, limit, signal, deleted } = options;
  const asked = { operation: "list", subject: prefix ?? "tags", source: tags.api.name };
  if (limit !== undefined) checkSeq(limit, 0, asked);
  const page = async (after: string | undefined, n: number): Promise<Page<string, string>> => {
    const query = { prefix, after, n, deleted: deleted === true ? true : undefined };
    const question = { ...asked, path: "/v1/tags", query, signal };
    const found = await readTagJson(tags, question, (value) => {
      const fields = fieldsOf(value, asked);
      return { items: fields.texts("tags"), next: fields.maybe("next", fields.text) };
    });
    return found ?? { items: [], next: undefined };
  };
  yield* pages("list", options.startAfter, limit, signal, page);
}

async function* pages<T, P>(
  operation: string,
  from: P | undefined,
  limit: number | undefined,
  signal: AbortSignal | undefined,
  page: (from: P | undefined, n: number) => Promise<Page<T, P>>,
): AsyncGenerator<T, void, void> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let next = from;
  throwIfAborted(signal, operation);
  while (left > 0) {
    const found = await page(next, Math.min(left, pageMax));
    for (const each of found.items.slice(0, left)) {
      throwIfAborted(signal, operation);
      yield each;
    }
    left -= found.items.length;
    if (found.next === undefined) return;
    ({ next } = found);
  }
}
