import {
  algorithmOf,
  type Body,
  type BlobPutOptions,
  checkDigest,
  createHasher,
  defaultAlgorithm,
  type Digest,
  openBody,
  type PutResult,
  StoreError,
  throwIfAborted,
  untilAborted,
} from "@bitstore/core";
import { onDisk } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import type { PendingEntry } from "./pending.ts";
import { publish } from "./publish.ts";
import { setAside, standingOf } from "./set-aside.ts";
import { stageBody } from "./stage-body.ts";

/**
 * Stores a blob in the journal and resolves once it is durable there, right to the last byte. One
 * that is larger than the journal takes goes to the origin, and is acknowledged by it. `added` is
 * told of a blob that is to be uploaded.
 */
export async function putBlob(
  journal: Journal,
  body: Body,
  options: BlobPutOptions,
  signal: AbortSignal,
  added: (entry: PendingEntry) => void,
): Promise<PutResult> {
  const { settings, pending } = journal;
  const { direct, name: source } = settings;
  const { digest } = options;
  checkOptions(journal, body, options);
  throwIfAborted(signal, "put", digest);
  const known = body instanceof Uint8Array ? body.byteLength : options.size;
  if (known !== undefined && known > settings.entryBytesMax) {
    return await direct.put(body, { ...options, signal });
  }
  if (digest !== undefined && pending.get(digest) !== undefined) {
    const joined = await join(journal, body, digest, options, signal);
    if (joined !== undefined) return joined;
  }
  await using staging = stageBody(journal, signal);
  const taken = await staging.take(body, options);
  if (taken.kind === "overlong") return await direct.put(taken.body, { ...options, signal });
  const place = { operation: "put", subject: digest, source };
  const published = await onDisk(place, () => publish(journal, taken, signal));
  if (published.added !== undefined) added(published.added);
  return { digest: taken.digest, size: taken.size, outcome: published.outcome };
}

/**
 * Puts a blob that is pending already: its bytes are checked and not written again, and the file that
 * is there is read, since this put vouches for it. Undefined where it is to be put in the ordinary way:
 * it was deleted meanwhile, or has gone bad.
 */
async function join(
  journal: Journal,
  body: Body,
  digest: Digest,
  options: BlobPutOptions,
  signal: AbortSignal,
): Promise<PutResult | undefined> {
  const { pending, settings, turns } = journal;
  const before = pending.get(digest);
  const hasher = await createHasher(algorithmOf(digest));
  let size = 0;
  for await (const chunk of untilAborted(openBody(body), signal, "put", digest)) {
    size += chunk.byteLength;
    if (options.size !== undefined && size > options.size) break;
    hasher.update(chunk);
  }
  if (options.size !== undefined && size !== options.size) {
    throw invalid(
      settings.name,
      digest,
      `the body does not have the ${options.size} bytes declared`,
    );
  }
  checkDigest(digest, hasher.digest(), "put", settings.name);
  const place = { operation: "put", subject: digest, source: settings.name };
  const isThere = await onDisk(place, () =>
    turns.take(digest, async () => {
      throwIfAborted(signal, "put", digest);
      if (before?.state === "uploaded") return true;
      if (pending.get(digest) === undefined) return false;
      const standing = await standingOf(journal, digest);
      if (standing === "rotten") await setAside(journal, digest);
      return standing === "right";
    }),
  );
  return isThere ? { digest, size, outcome: "existed" } : undefined;
}

function checkOptions(journal: Journal, body: Body, options: BlobPutOptions): void {
  const { origin, name } = journal.settings;
  const { digest, algorithm, size } = options;
  if (digest !== undefined && algorithm !== undefined && algorithmOf(digest) !== algorithm) {
    throw invalid(name, digest, `the digest is not ${algorithm}; leave the algorithm out`);
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw invalid(name, digest, `size ${size} is no number of bytes`);
  }
  if (body instanceof Uint8Array && size !== undefined && body.byteLength !== size) {
    throw invalid(name, digest, `the body has ${body.byteLength} bytes, ${size} were declared`);
  }
  // What the origin can never take must not be acknowledged here.
  const chosen = digest === undefined ? (algorithm ?? defaultAlgorithm) : algorithmOf(digest);
  const { capabilities } = origin;
  if (capabilities.put && capabilities.algorithms.includes(chosen)) return;
  throw new StoreError({
    code: "UNSUPPORTED",
    operation: "put",
    subject: digest,
    source: origin.name,
    message: capabilities.put ? `it does not hold ${chosen}` : "it can't be written",
  });
}

function invalid(source: string, digest: Digest | undefined, message: string): StoreError {
  const code = "INVALID_ARGUMENT";
  return new StoreError({ code, operation: "put", subject: digest, source, message });
}
