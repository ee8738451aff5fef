import type { BlobDownloadResponseParsed, ContainerClient } from "@azure/storage-blob";
import { Readable } from "node:stream";
import {
  abortedError,
  type ByteRange,
  checkRange,
  type Content,
  isStoreError,
  isWhole,
  type LinkedAbort,
  linkedAbort,
  type ReadOptions,
  resolveRange,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { checkAzureKey } from "./check-azure-key.ts";
import { contentOfDownload } from "./content-of-download.ts";
import { parseContentRange } from "./content-range.ts";
import { headOf } from "./head-of.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { etagOf, versionOf } from "./versions.ts";

/**
 * Opens an object's bytes as they are stored. The answer is believed only where it is the range
 * that was asked: its status, its Content-Range and its length must all say so.
 */
export async function readObject(
  service: Service,
  settings: Settings,
  key: string,
  options: ReadOptions,
): Promise<Content | undefined> {
  checkAzureKey(key, "read", service.name);
  checkRange(options.range, "read", key);
  throwIfAborted(options.signal, "read", key);
  const range = isWhole(options.range) ? undefined : options.range;
  const { signal, ifVersion } = options;
  // A signal of its own, because the SDK may reject with an answer's body unread.
  const abort = linkedAbort(signal);
  try {
    const ifMatch =
      ifVersion === undefined ? undefined : etagOf(ifVersion, "read", service.name, key);
    const answer = await service.call({
      operation: "read",
      subject: key,
      signal,
      request: (container) => download(container, settings, key, range, ifMatch, abort.signal),
    });
    return contentOf(service.name, key, range, answer, abort, signal);
  } catch (error) {
    abort.abort();
    abort.release();
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    // A condition on an absent object fails as well, which is a miss and no other version.
    const isUnclear = isStoreError(error, "PRECONDITION_FAILED");
    if (isUnclear && (await headOf(service, settings, "read", key, signal)) === undefined) {
      return undefined;
    }
    throw error;
  }
}

function download(
  container: ContainerClient,
  { customerProvidedKey }: Settings,
  key: string,
  range: ByteRange | undefined,
  ifMatch: string | undefined,
  abortSignal: AbortSignal,
): Promise<BlobDownloadResponseParsed> {
  const { start = 0, end } = range ?? {};
  const count = end === undefined ? undefined : end - start;
  return container.getBlobClient(key).download(start, count, {
    abortSignal,
    maxRetryRequests: 0,
    ...(ifMatch === undefined ? {} : { conditions: { ifMatch } }),
    ...(customerProvidedKey === undefined ? {} : { customerProvidedKey }),
  });
}

function contentOf(
  source: string,
  key: string,
  asked: ByteRange | undefined,
  answer: BlobDownloadResponseParsed,
  abort: LinkedAbort,
  signal: AbortSignal | undefined,
): Content {
  const stream = answer.readableStreamBody;
  if (!(stream instanceof Readable)) throw wrongAnswer(source, key, "the answer has no body");
  // Without a listener a connection that breaks while nobody reads would end the process.
  stream.on("error", () => undefined);
  const { size, range } = describedBy(source, key, asked, answer);
  return contentOfDownload(
    { size, range, source, version: versionOf(answer.etag) },
    {
      stream,
      length: range.end - range.start,
      release: () => abort.release(),
      failed: (error) => {
        if (signal?.aborted) return abortedError("read", signal, key);
        return wrongAnswer(source, key, "the body broke off", error);
      },
    },
  );
}

interface Described {
  readonly size: number;
  readonly range: { readonly start: number; readonly end: number };
}

/** Says what the answer holds; throws where that is not what was asked. */
function describedBy(
  source: string,
  key: string,
  asked: ByteRange | undefined,
  answer: BlobDownloadResponseParsed,
): Described {
  // oxlint-disable-next-line no-underscore-dangle -- the SDK's public name of the plain answer
  const { status } = answer._response;
  const { contentLength, contentRange } = answer;
  if (asked === undefined) {
    if (status !== 200 || contentLength === undefined) {
      throw wrongAnswer(source, key, `asked for the whole object, the answer is a ${status}`);
    }
    return { size: contentLength, range: { start: 0, end: contentLength } };
  }
  if (status !== 206) {
    throw wrongAnswer(source, key, `asked for a range, the answer is a ${status}`);
  }
  const got = parseContentRange(contentRange);
  if (got === undefined) throw wrongAnswer(source, key, "the answer has no sensible Content-Range");
  // An emulator answers ranges that start at the end with 206 and nothing.
  const range = resolveRange(asked, got.size, "read", key);
  if (got.start !== range.start || got.end !== range.end) {
    throw wrongAnswer(source, key, "the answer is of another range than was asked");
  }
  if (contentLength !== range.end - range.start) {
    throw wrongAnswer(source, key, "the answer's length is not that of its range");
  }
  return { size: got.size, range };
}

function wrongAnswer(source: string, subject: string, message: string, cause?: Error): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "read",
    source,
    subject,
    message,
    // The SDK's own error may carry its request, so that only the words are kept.
    cause: cause === undefined ? undefined : { name: cause.name, message: cause.message },
  });
}
