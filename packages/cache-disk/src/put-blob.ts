import {
  abortedError,
  algorithmOf,
  type Body,
  type BlobPutOptions,
  checkDigest,
  createHasher,
  defaultAlgorithm,
  type Digest,
  isStoreError,
  type PutResult,
  StoreError,
} from "@bitstore/core";
import { abortableBody } from "./abortable.ts";
import type { CacheParts } from "./cache-parts.ts";
import { toStoreError } from "./disk-fault.ts";
import { publish } from "./publish.ts";
import { isThere } from "./is-there.ts";
import { isDiskFull, relieve } from "./relief.ts";
import { stagedFile, type StagedFile } from "./staged-file.ts";

/** Bytes that are hashed in one turn of the event loop. */
const pieceBytes = 2 ** 20;

/** A body that was read to its end: either it is in memory, or all of it is in the file. */
interface Taken {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Stores a blob: room first, then bytes into a temporary file while they are hashed, then the name.
 * A short body is hashed before anything touches the disk. Where the blob is there already, its
 * file is hashed too: right, and the body is only checked; wrong, and it is quarantined.
 */
export async function putBlob(
  parts: CacheParts,
  body: Body,
  options: BlobPutOptions,
  signal: AbortSignal,
): Promise<PutResult> {
  const { settings, notes } = parts;
  const place = { operation: "put", subject: options.digest, source: settings.name };
  const file = stagedFile(parts, signal);
  try {
    checkOptions(parts, body, options);
    const there = options.digest !== undefined && (await isThere(parts, options.digest, signal));
    const taken = await takeIn(parts, body, options, signal, there ? undefined : file);
    if (there) return { ...taken, outcome: "existed" };
    if (!file.isOpen() && options.digest === undefined) {
      if (await isThere(parts, taken.digest, signal)) return { ...taken, outcome: "existed" };
    }
    const hold = await onDisk(place, () => file.finish(taken.digest, taken.size));
    const outcome = await onDisk(place, () => publish(parts, hold, taken, signal));
    if (outcome === "created") {
      file.published();
      notes.count("puts");
    }
    return { ...taken, outcome };
  } catch (error) {
    // Not where the body itself failed over a full disk, which may be another one.
    if (isStoreError(error) && error.source === settings.name && isDiskFull(error)) {
      const written = file.written();
      await file.discard();
      void parts.background(() => relieve(parts, written));
    }
    throw error;
  } finally {
    await file.discard();
    parts.room.changed();
  }
}

function checkOptions(parts: CacheParts, body: Body, options: BlobPutOptions): void {
  const { digest, algorithm, size } = options;
  const refuse = (message: string): StoreError =>
    new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "put",
      subject: digest,
      source: parts.settings.name,
      message,
    });
  if (digest !== undefined && algorithm !== undefined && algorithmOf(digest) !== algorithm) {
    throw refuse(`the digest is not ${algorithm}; leave the algorithm out`);
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw refuse(`size ${size} is no number of bytes`);
  }
  const known = body instanceof Uint8Array ? body.byteLength : size;
  if (size !== undefined && known !== size) {
    throw refuse(`the body has ${known} bytes where ${size} were declared`);
  }
  if (known !== undefined) checkAdmission(parts, known, digest);
}

function checkAdmission(parts: CacheParts, size: number, digest: Digest | undefined): void {
  const { settings, notes } = parts;
  const bytesMax = settings.entryBytesMax;
  if (size <= bytesMax) return;
  notes.count("refusals");
  throw new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    subject: digest,
    source: settings.name,
    message: `the cache stores blobs of at most ${bytesMax} bytes; raise entryBytesMax`,
  });
}

/** Reads the body to its end, hashing it, and checks what was promised of it. */
async function takeIn(
  parts: CacheParts,
  body: Body,
  options: BlobPutOptions,
  signal: AbortSignal,
  file: StagedFile | undefined,
): Promise<Taken> {
  const { settings } = parts;
  const place = { operation: "put", subject: options.digest, source: settings.name };
  const { digest } = options;
  const hasher = await createHasher(
    digest ? algorithmOf(digest) : (options.algorithm ?? defaultAlgorithm),
  );
  let size = 0;
  for await (const chunk of abortableBody(body, signal, digest)) {
    size += chunk.byteLength;
    checkAdmission(parts, size, digest);
    if (options.size !== undefined && size > options.size) break;
    for (const piece of piecesOf(chunk)) {
      hasher.update(piece);
      await onDisk(place, async () => file?.append(piece, digest, options.size));
    }
  }
  if (signal.aborted) throw abortedError("put", signal, digest);
  if (options.size !== undefined && size !== options.size) {
    const has = size > options.size ? "more" : `${size}`;
    const message = `the body has ${has} bytes where ${options.size} were declared`;
    throw new StoreError({ code: "INVALID_ARGUMENT", ...place, message });
  }
  const actual = hasher.digest();
  if (digest !== undefined) checkDigest(digest, actual, "put", settings.name);
  return { digest: actual, size };
}

/** Cuts a chunk, so that hashing it is not one long turn: 1 MiB takes under a millisecond. */
function* piecesOf(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
    yield at === 0 && chunk.byteLength <= pieceBytes ? chunk : chunk.subarray(at, at + pieceBytes);
  }
}

/** Maps what the disk says; errors of the body itself never pass here, and stay as they are. */
async function onDisk<T>(
  place: { operation: string; subject: Digest | undefined; source: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error, place);
  }
}
