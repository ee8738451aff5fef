import { type Bytes, collect, single } from "./bytes.ts";
import { StoreError } from "./errors.ts";
import type { ByteRange } from "./range.ts";

/**
 * One open read. Do exactly one of: iterate `body` (once), call `bytes()` (once), or dispose.
 * Iterating to the end, leaving the loop early, and `bytes()` all release what the read holds; a
 * read that is only looked at must be disposed, or its connection stays taken.
 */
export interface Content extends AsyncDisposable {
  /** Bytes of the whole object, not of the range; undefined for an API that does not say. */
  readonly size: number | undefined;
  /** The range that `body` holds: clamped to the object where its size is known. */
  readonly range: ByteRange;
  /** Name of the bucket, source or tier that the bytes come from. */
  readonly source: string;
  readonly role: Role;
  /** False where the bytes could not be tied to a verified copy. */
  readonly verified: boolean;
  /** Entity tag or generation: pins later ranges to the same object. */
  readonly version: string | undefined;
  readonly body: Bytes;
  /**
   * Resolves to the whole range at once, without a copy where the driver already holds it: others may
   * be reading the same array, so nobody writes into it.
   */
  bytes(): Promise<Uint8Array>;
}

export type Role = "source" | "cache";

/** What a driver knows of a read that it has opened. */
export interface ContentParts {
  readonly size: number | undefined;
  readonly range?: ByteRange | undefined;
  readonly source: string;
  readonly role?: Role | undefined;
  readonly verified?: boolean | undefined;
  readonly version?: string | undefined;
}

/** Makes a read of bytes that are in memory already. It holds nothing that needs a release. */
export function contentOfBytes(parts: ContentParts, bytes: Uint8Array): Content {
  return {
    ...fields(parts),
    get body() {
      return single(bytes);
    },
    bytes: () => Promise.resolve(bytes),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * Makes a read of a stream. `release` is called once, when the stream has ended, failed, been left
 * early, or when the read is disposed without having been read; it must not throw.
 */
export function contentOfStream(
  parts: ContentParts,
  stream: () => Bytes,
  release: () => void | Promise<void> = () => undefined,
): Content {
  let released: Promise<void> | undefined;
  const releaseOnce = (): Promise<void> => {
    released ??= (async () => release())();
    return released;
  };
  async function* guarded(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* stream();
    } finally {
      await releaseOnce();
    }
  }
  const chunks = guarded();
  let isTaken = false;
  const body = {
    [Symbol.asyncIterator]() {
      // A generator that was used up would end at once, and its reader take that for an empty blob.
      if (isTaken) throw takenTwice(parts.source);
      isTaken = true;
      return chunks;
    },
  };
  return {
    ...fields(parts),
    body,
    bytes: () => collect(body),
    async [Symbol.asyncDispose]() {
      isTaken = true;
      // A generator that was never started runs no `finally`, and one that waits for a source that
      // is stuck can't be ended, so neither is waited for: the release ends what they wait for.
      void chunks.return().catch(() => undefined);
      await releaseOnce();
    },
  };
}

function takenTwice(source: string): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "read",
    source,
    message: "a read gives its bytes once, and none after it was disposed; open it again",
  });
}

function fields(parts: ContentParts): Omit<Content, "body" | "bytes" | typeof Symbol.asyncDispose> {
  return {
    size: parts.size,
    range: parts.range ?? { start: 0, end: parts.size },
    source: parts.source,
    role: parts.role ?? "source",
    verified: parts.verified ?? false,
    version: parts.version,
  };
}
