import type { BlobItem, ContainerClient } from "@azure/storage-blob";
import { compareKeys, type ListOptions, type ObjectInfo, throwIfAborted } from "@bitstore/core";
import { infoOfItem } from "./object-info.ts";
import type { Dated, Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { utf8Order } from "./utf8-order.ts";

/** One page of a list. */
interface Page<T> extends Dated {
  readonly items: readonly T[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

type AskPage<T> = (
  container: ContainerClient,
  continuationToken: string | undefined,
  abortSignal: AbortSignal | undefined,
) => Promise<Page<T>>;

/**
 * Lists objects in the order of their keys' UTF-8 bytes, page by page. The service is told where to
 * start, from its version 2026-02-06 on; one that ignores that costs pages, not correctness, since
 * what it lists too early is skipped here.
 */
export async function* listObjects(
  service: Service,
  settings: Settings,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectInfo, void, void> {
  const maxPageSize = pageSize(settings, options);
  const startFrom = startOf(prefix, options.startAfter);
  const pages = allPages<BlobItem>(service, prefix, options, async (container, token, abort) => {
    const listing = container.listBlobsFlat({ prefix, ...startFrom, ...abortable(abort) });
    const { value, done } = await listing.byPage({ ...from(token), maxPageSize }).next();
    if (done === true) return { items: [], next: undefined };
    const { date, continuationToken, segment } = value;
    return { items: segment.blobItems, next: continuationToken || undefined, date };
  });
  const ordered = utf8Order(pages, ({ name }) => name, service.name);
  yield* bounded(ordered, ({ name }) => name, infoOfItem, prefix, options);
}

/** Lists the distinct prefixes one level below, in the same order and with the same bounds. */
export async function* listObjectPrefixes(
  service: Service,
  settings: Settings,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<string, void, void> {
  const maxPageSize = settings.listPageSize;
  const startFrom = startOf(prefix, ownLevel(prefix, options.startAfter));
  const pages = allPages<string>(service, prefix, options, async (container, token, abort) => {
    const listing = container.listBlobsByHierarchy("/", {
      prefix,
      ...startFrom,
      ...abortable(abort),
    });
    const { value, done } = await listing.byPage({ ...from(token), maxPageSize }).next();
    if (done === true) return { items: [], next: undefined };
    const items = (value.segment.blobPrefixes ?? []).map(({ name }) => name);
    return { items, next: value.continuationToken || undefined, date: value.date };
  });
  const ordered = utf8Order(distinct(pages), (found) => found, service.name);
  yield* bounded(
    ordered,
    (found) => found,
    (found) => found,
    prefix,
    options,
  );
}

async function* allPages<T>(
  service: Service,
  prefix: string,
  { signal, limit }: ListOptions,
  ask: AskPage<T>,
): AsyncGenerator<T, void, void> {
  if (limit !== undefined && limit <= 0) return;
  let token: string | undefined;
  do {
    const begin = token;
    const page: Page<T> = await service.call({
      operation: "list",
      subject: prefix,
      signal,
      request: (container) => ask(container, begin, signal),
    });
    yield* page.items;
    token = page.next;
  } while (token !== undefined);
}

/** Skips what is not after `startAfter`, and ends after `limit`. */
async function* bounded<T, U>(
  items: AsyncIterable<T>,
  keyOf: (item: T) => string,
  map: (item: T) => U,
  prefix: string,
  { startAfter, limit = Number.POSITIVE_INFINITY, signal }: ListOptions,
): AsyncGenerator<U, void, void> {
  let left = limit;
  for await (const item of items) {
    throwIfAborted(signal, "list", prefix);
    if (startAfter !== undefined && compareKeys(keyOf(item), startAfter) <= 0) continue;
    yield map(item);
    left -= 1;
    if (left <= 0) return;
  }
}

/** A prefix may end one page and begin the next. */
async function* distinct(items: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let last: string | undefined;
  for await (const item of items) {
    if (item !== last) yield item;
    last = item;
  }
}

/**
 * Says where the service may start: nowhere after what is wanted in the order of UTF-8 bytes,
 * whether it lists in that order or in that of UTF-16 units. Both agree below U+D800.
 */
function startOf(prefix: string, startAfter: string | undefined): { startFrom?: string } {
  if (startAfter === undefined) return {};
  const differs = startAfter.search(/[\ud800-\uffff]/);
  const startFrom = differs < 0 ? startAfter : startAfter.slice(0, differs);
  return startFrom === "" || prefix.startsWith(startFrom) ? {} : { startFrom };
}

/** Cuts a key to the level that is listed: the service takes no deeper one there. */
function ownLevel(prefix: string, startAfter: string | undefined): string | undefined {
  if (startAfter === undefined || !startAfter.startsWith(prefix)) return startAfter;
  const slash = startAfter.indexOf("/", prefix.length);
  return slash < 0 ? startAfter : startAfter.slice(0, slash);
}

/** One more than the limit, because the first may be the one to start after. */
function pageSize({ listPageSize }: Settings, { limit = listPageSize }: ListOptions): number {
  return Math.max(1, Math.min(listPageSize, limit + 1));
}

function from(continuationToken: string | undefined): { continuationToken?: string } {
  return continuationToken === undefined ? {} : { continuationToken };
}

function abortable(abortSignal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return abortSignal === undefined ? {} : { abortSignal };
}
