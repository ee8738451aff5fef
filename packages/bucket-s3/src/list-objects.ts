import {
  type _Object as ListedObject,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
} from "@aws-sdk/client-s3";
import { compareKeys, type ListOptions, type ObjectInfo, StoreError } from "@bitstore/core";
import { throwIfAborted } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import { isListedArchived } from "./archived.ts";
import { versionOf } from "./entity-tag.ts";
import { keyDecoder } from "./listed-key.ts";
import type { S3Context } from "./s3-context.ts";

/** Lists objects, page by page. See the contract of `Bucket.list`. */
export async function* listObjects(
  context: S3Context,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectInfo, void, void> {
  const { listPageSize } = context.settings;
  const MaxKeys = Math.min(listPageSize, Math.max(1, options.limit ?? listPageSize));
  const take = taker(context, prefix, options);
  if (take.isFull()) return;
  for await (const page of pages(context, prefix, options, { MaxKeys })) {
    const decode = keyDecoder(page.EncodingType);
    for (const object of page.Contents ?? []) {
      throwIfAborted(options.signal, "list", prefix);
      const key = decode(object.Key ?? "");
      if (take.accepts(key)) yield infoOf(key, object);
      if (take.isFull()) return;
    }
  }
}

/** Lists the prefixes one level below. See the contract of `Bucket.listPrefixes`. */
export async function* listPrefixes(
  context: S3Context,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<string, void, void> {
  const take = taker(context, prefix, options);
  if (take.isFull()) return;
  // Objects of this level fill the pages too, so that a small limit would cost many requests.
  const input = { MaxKeys: context.settings.listPageSize, Delimiter: "/" };
  for await (const page of pages(context, prefix, options, input)) {
    const decode = keyDecoder(page.EncodingType);
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      throwIfAborted(options.signal, "list", prefix);
      const found = decode(Prefix ?? "");
      if (take.accepts(found)) yield found;
      if (take.isFull()) return;
    }
  }
}

async function* pages(
  context: S3Context,
  prefix: string,
  { startAfter, signal }: ListOptions,
  input: Pick<ListObjectsV2CommandInput, "MaxKeys" | "Delimiter">,
): AsyncGenerator<ListObjectsV2CommandOutput, void, void> {
  const { session, settings } = context;
  const base: ListObjectsV2CommandInput = {
    ...settings.inputs.bucket,
    ...input,
    Prefix: prefix,
    // XML can't hold every character that a key can.
    EncodingType: "url",
    // Asked of AWS only: a clone has no cold storage, and might not like the header.
    ...(settings.endpoint === undefined ? { OptionalObjectAttributes: ["RestoreStatus"] } : {}),
  };
  let from: Pick<ListObjectsV2CommandInput, "StartAfter" | "ContinuationToken"> | undefined =
    startAfter === undefined || startAfter === "" ? {} : { StartAfter: startAfter };
  while (from !== undefined) {
    const command = new ListObjectsV2Command({ ...base, ...from });
    const page: ListObjectsV2CommandOutput = await session.ask({
      operation: "list",
      subject: prefix,
      signal,
      send: (client, http) => client.send(command, http),
    });
    const { IsTruncated, NextContinuationToken: token } = page;
    // A page of something else would read as an empty bucket.
    if (IsTruncated === undefined || (IsTruncated && token === undefined)) {
      const about = { source: settings.name, subject: prefix };
      const message = "the answer is no page of a list; check that the endpoint is an S3 service";
      throw answerError("UNAVAILABLE", "list", about, message);
    }
    yield page;
    from = IsTruncated ? { ContinuationToken: token } : undefined;
  }
}

/** Decides what of the pages is handed out. */
interface Taker {
  /** Throws where the service's order is not ours: whoever merges lists would lose objects. */
  accepts(key: string): boolean;
  isFull(): boolean;
}

function taker(context: S3Context, prefix: string, options: ListOptions): Taker {
  const { startAfter = "", limit = Number.POSITIVE_INFINITY } = options;
  const { settings } = context;
  const about = { source: settings.name, subject: prefix };
  if (!settings.capabilities.list) {
    throw answerError("UNSUPPORTED", "list", about, "directory buckets list in no order");
  }
  if (!prefix.isWellFormed() || !startAfter.isWellFormed()) {
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "list",
      source: settings.name,
      message: "the prefix or startAfter has an unpaired surrogate",
    });
  }
  let taken = 0;
  let last: string | undefined;
  return {
    accepts(key) {
      if (last !== undefined && compareKeys(key, last) <= 0) {
        const message = `${JSON.stringify(key)} is listed after ${JSON.stringify(last)}`;
        throw answerError(
          "UNSUPPORTED",
          "list",
          about,
          `the service's order is not ours: ${message}`,
        );
      }
      last = key;
      if (compareKeys(key, startAfter) <= 0) return false;
      taken += 1;
      return true;
    },
    isFull: () => taken >= limit,
  };
}

/** The entity tag may be no MD5, and a list does not say: HEAD does. */
function infoOf(key: string, object: ListedObject): ObjectInfo {
  return {
    key,
    size: object.Size ?? 0,
    version: versionOf(object.ETag),
    modifiedAt: object.LastModified,
    md5: undefined,
    archived: isListedArchived(object),
  };
}
