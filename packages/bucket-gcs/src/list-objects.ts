import { compareKeys, type ListOptions, type ObjectInfo, throwIfAborted } from "@bitstore/core";
import { discard } from "./answer.ts";
import type { Call, Query, Service } from "./call.ts";
import { jsonAnswer } from "./json-answer.ts";
import { arrayField, type JsonObject, stringField } from "./json-fields.ts";
import { noSuchBucket } from "./no-such-bucket.ts";
import { infoFields, objectInfo } from "./object-info.ts";

/** What a list needs besides the prefix. */
export interface Listing {
  readonly service: Service;
  readonly name: string;
  readonly pageSize: number;
}

/** Lists objects in the order of their keys, one request a page, none before it is needed. */
export async function* listObjects(
  listing: Listing,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectInfo, void, void> {
  if (options.limit !== undefined && options.limit <= 0) return;
  const fields = `nextPageToken,items(${infoFields})`;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for await (const page of pages(listing, "list", prefix, { fields }, options)) {
    for (const item of arrayField(page, "items")) {
      throwIfAborted(options.signal, "list", prefix);
      const info = objectInfo(item);
      // The service starts at the key itself.
      if (info === undefined || info.key === options.startAfter) continue;
      yield info;
      left -= 1;
      if (left <= 0) return;
    }
  }
}

/**
 * Lists the prefixes one level below. The service groups all keys below a prefix into one entry, so
 * its own `startOffset` may give a prefix that is not greater than `startAfter`, and emulators give
 * one again on a later page: neither is handed out.
 */
export async function* listPrefixes(
  listing: Listing,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<string, void, void> {
  if (options.limit !== undefined && options.limit <= 0) return;
  const query = { fields: "nextPageToken,prefixes", delimiter: "/" };
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let last = options.startAfter;
  for await (const page of pages(listing, "listPrefixes", prefix, query, options)) {
    for (const found of arrayField(page, "prefixes")) {
      throwIfAborted(options.signal, "listPrefixes", prefix);
      if (typeof found !== "string") continue;
      if (last !== undefined && compareKeys(found, last) <= 0) continue;
      last = found;
      yield found;
      left -= 1;
      if (left <= 0) return;
    }
  }
}

async function* pages(
  { service, name, pageSize }: Listing,
  operation: string,
  prefix: string,
  query: Query,
  { startAfter, limit, signal }: ListOptions,
): AsyncGenerator<JsonObject, void, void> {
  // One more than the limit, since the first may be the key to start after.
  const wanted = (limit ?? pageSize) + (startAfter === undefined ? 0 : 1);
  let pageToken: string | undefined;
  do {
    const call: Call = {
      operation,
      subject: prefix === "" ? undefined : prefix,
      method: "GET",
      path: service.bucketPath("/o", {
        ...query,
        prefix: prefix === "" ? undefined : prefix,
        startOffset: startAfter === "" ? undefined : startAfter,
        maxResults: Math.min(pageSize, wanted),
        pageToken,
      }),
      headers: { "accept-encoding": "gzip" },
      signal,
    };
    const answer = await service.ask(call);
    if (answer.statusCode === 404) {
      discard(answer);
      throw noSuchBucket(operation, name);
    }
    const page = await jsonAnswer(answer, name, call);
    yield page;
    pageToken = stringField(page, "nextPageToken");
  } while (pageToken !== undefined && pageToken !== "");
}
