import {
  abortedError,
  type BlobSource,
  type CallOptions,
  collect,
  type Digest,
  isStoreError,
  StoreError,
  verifyBytes,
} from "@bitstore/core";
import { collectionBytesMax, parseCollection } from "@bitstore/tags";

export interface CollectionReader {
  /** Where collections are opened; it is verified here as well. */
  readonly blobs: Pick<BlobSource, "open">;
  /** Collections that are known to be lost: what they named is not kept. */
  readonly lost: ReadonlySet<Digest>;
}

/** Marks what collections name. Each is read once, however many tags name it. */
export interface CollectionMarks {
  add(digest: Digest, kinds: number, call: CallOptions): Promise<void>;
  readonly count: number;
}

/**
 * Makes what reads collections and hands on each blob that they name. A collection that can't be read
 * or understood ends the garbage collection: what it names is unknown.
 */
export function collectionMarks(
  reader: CollectionReader,
  mark: (digest: Digest, kinds: number) => void,
): CollectionMarks {
  const seen = new Map<Digest, number>();

  return {
    async add(digest, kinds, call) {
      const before = seen.get(digest) ?? 0;
      if ((before | kinds) === before || reader.lost.has(digest)) return;
      // Noted first, so that tags which are read at the same time read it once.
      seen.set(digest, before | kinds);
      for (const member of await membersOf(reader, digest, call)) mark(member, kinds);
    },
    get count() {
      return seen.size;
    },
  };
}

async function membersOf(
  { blobs }: CollectionReader,
  digest: Digest,
  call: CallOptions,
): Promise<readonly Digest[]> {
  const bytes = await read(blobs, digest, call).catch((cause: unknown) => {
    if (call.signal?.aborted === true) throw abortedError("gc", call.signal, digest);
    throw unknown(digest, "it can't be read", cause);
  });
  if (bytes === undefined) throw unknown(digest, "it is not there");
  try {
    return parseCollection(bytes).map((member) => member.digest);
  } catch (cause) {
    throw unknown(digest, "it is none that this release understands", cause);
  }
}

async function read(
  blobs: CollectionReader["blobs"],
  digest: Digest,
  call: CallOptions,
): Promise<Uint8Array | undefined> {
  const content = await blobs.open(digest, call);
  if (content === undefined) return undefined;
  const bytes = await collect(content.body, collectionBytesMax);
  await verifyBytes(bytes, digest, "gc");
  return bytes;
}

function unknown(digest: Digest, why: string, cause?: unknown): StoreError {
  const detail = isStoreError(cause) ? `${why}: ${cause.detail}` : why;
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "gc",
    subject: digest,
    persistence: "exhausted",
    message:
      `what this collection names is unknown (${detail}), so nothing is collected; bring it back, ` +
      "or give it up by lostCollections",
    cause,
  });
}
