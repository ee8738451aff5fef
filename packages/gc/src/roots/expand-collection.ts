import {
  type BlobSource,
  type CallOptions,
  collect,
  type Digest,
  StoreError,
  verifyBytes,
} from "@bitstore/core";
import { collectionBytesMax, collectionMediaType } from "@bitstore/tags";
import type { CollectionItem } from "./gc-roots.ts";

/** Collections within collections: none is that deep unless somebody plays tricks. */
const depthMax = 16;

export interface CollectionReader {
  /** Where collections are opened; it is verified here as well. */
  readonly blobs: Pick<BlobSource, "open">;
  readonly parse: (bytes: Uint8Array) => readonly CollectionItem[];
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

  async function add(digest: Digest, kinds: number, call: CallOptions, depth: number) {
    const before = seen.get(digest) ?? 0;
    if ((before | kinds) === before || reader.lost.has(digest)) return;
    // Noted first, so that a collection that names itself is read once.
    seen.set(digest, before | kinds);
    if (depth > depthMax) throw unreadable(digest, `it lies ${depthMax} collections deep`);
    for (const item of await itemsOf(reader, digest, call)) {
      mark(item.digest, kinds);
      if (item.mediaType === collectionMediaType) await add(item.digest, kinds, call, depth + 1);
    }
  }
  return {
    add: (digest, kinds, call) => add(digest, kinds, call, 0),
    get count() {
      return seen.size;
    },
  };
}

async function itemsOf(
  { blobs, parse }: CollectionReader,
  digest: Digest,
  call: CallOptions,
): Promise<readonly CollectionItem[]> {
  try {
    const content = await blobs.open(digest, call);
    if (content === undefined) throw unreadable(digest, "it is not there");
    const bytes = await collect(content.body, collectionBytesMax);
    await verifyBytes(bytes, digest, "gc");
    return parse(bytes);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : "it can't be read";
    throw unreadable(digest, detail, cause);
  }
}

function unreadable(digest: Digest, detail: string, cause?: unknown): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "gc",
    subject: digest,
    persistence: "exhausted",
    message: `what this collection names is unknown (${detail}); nothing is collected`,
    cause,
  });
}
