import {
  type Bytes,
  type CallOptions,
  type Digest,
  type ErrorCode,
  errorTable,
  exhausted,
  isStoreError,
  splitDigest,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import { ask } from "../wire/ask.ts";
import { type Fields, fieldsOf } from "../wire/fields.ts";
import { problemError } from "../wire/problem.ts";
import { pauseBefore } from "../wire/repeat.ts";
import type { Asked } from "../wire/transport.ts";
import { type Digests, missingBatchMax, ndjsonOf } from "./missing-blobs.ts";
import { readNdjson } from "./read-lines.ts";
import { readTar, type TarFile } from "./read-tar.ts";

/** What came of one digest of a bulk fetch. */
export type BulkBlob =
  | {
      readonly status: "delivered";
      readonly digest: Digest;
      readonly size: number;
      /**
       * Read before the next blob is asked for; what is left unread is skipped. The server has verified
       * the bytes; `verifyStream` of core does it here as well.
       */
      readonly body: Bytes;
    }
  | { readonly status: "missing"; readonly digest: Digest }
  | { readonly status: "failed"; readonly digest: Digest; readonly error: StoreError };

/** Where the archive says what it does not hold. */
const reportName = ".bitstore/report.ndjson";

/**
 * Fetches many blobs by one request for each ten thousand digests: the server sends them as they come,
 * in any order, and says at the end what it could not send. A request that breaks off is made again
 * for what has not come: a blob whose body broke off is then yielded once more. Else each distinct
 * digest of a batch is yielded once.
 */
export async function* fetchBlobs(
  api: Api,
  digests: Digests,
  { signal }: CallOptions = {},
): AsyncGenerator<BulkBlob, void, void> {
  let batch = new Set<Digest>();
  for await (const digest of digests) {
    batch.add(digest);
    if (batch.size < missingBatchMax) continue;
    yield* fetchBatch(api, batch, signal);
    batch = new Set();
  }
  if (batch.size > 0) yield* fetchBatch(api, batch, signal);
}

async function* fetchBatch(
  api: Api,
  wanted: Set<Digest>,
  signal: AbortSignal | undefined,
): AsyncGenerator<BulkBlob, void, void> {
  for (let failures = 0; wanted.size > 0; ) {
    const before = wanted.size;
    try {
      yield* fetchOnce(api, wanted, signal);
      return;
    } catch (error) {
      if (!isStoreError(error) || error.persistence !== "transient") throw error;
      // A request that brought something is worth another, however many it takes.
      failures = wanted.size < before ? 1 : failures + 1;
      if (failures >= api.limits.attemptsMax) throw exhausted(error, failures);
      await pauseBefore(api, "fetch", failures, signal);
    }
  }
}

async function* fetchOnce(
  api: Api,
  wanted: Set<Digest>,
  signal: AbortSignal | undefined,
): AsyncGenerator<BulkBlob, void, void> {
  throwIfAborted(signal, "fetch");
  const answer = await ask(api, {
    method: "POST",
    path: "/v1/blobs/fetch",
    headers: { accept: "application/x-tar", "content-type": "application/x-ndjson" },
    body: ndjsonOf([...wanted]),
    operation: "fetch",
    subject: `${wanted.size} digests`,
    signal,
  });
  if (answer.status !== 200) throw await problemError(answer);
  const { asked } = answer;
  const names = new Map([...wanted].map((digest) => [nameOf(digest), digest]));
  let handedOut: Digest | undefined;
  for await (const file of readTar(answer.chunks(), asked)) {
    // Only where another file follows did the one before come whole.
    if (handedOut !== undefined) wanted.delete(handedOut);
    handedOut = undefined;
    const digest = names.get(file.name);
    if (digest !== undefined) {
      handedOut = digest;
      yield { status: "delivered", digest, size: file.size, body: file.body };
    } else if (file.name === reportName) {
      for await (const each of readReport(file, asked)) {
        if (!wanted.delete(each.digest)) continue;
        yield each;
      }
    }
  }
  if (handedOut !== undefined) wanted.delete(handedOut);
  // An archive with its end is all there will be: what it does not speak of did not come.
  for (const digest of wanted) {
    const message = "the server sent neither the blob nor a word about it";
    yield {
      status: "failed",
      digest,
      error: new StoreError({ code: "INTERNAL", ...asked, message }),
    };
  }
}

function nameOf(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}/${hex}`;
}

async function* readReport(
  file: TarFile,
  asked: Asked,
): AsyncGenerator<Exclude<BulkBlob, { status: "delivered" }>, void, void> {
  for await (const line of readNdjson(file.body, asked)) {
    const fields = fieldsOf(line, asked, "the report");
    const status = fields.text("status");
    const digest = fields.maybe("digest", fields.digest);
    if (digest === undefined) continue;
    if (status === "missing") yield { status, digest };
    else if (status === "failed") yield { status, digest, error: errorOf(fields, digest, asked) };
  }
}

function errorOf(fields: Fields, digest: Digest, asked: Asked): StoreError {
  const told = fields.maybe("error", fields.object);
  const code = told?.maybe("code", told.text) ?? "";
  return new StoreError({
    code: Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "UNAVAILABLE",
    ...asked,
    subject: digest,
    message: told?.maybe("message", told.text) ?? "the server could not get it",
  });
}
