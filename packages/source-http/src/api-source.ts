import {
  abortedError,
  type Algorithm,
  algorithmOf,
  algorithms as allAlgorithms,
  type BlobStore,
  checkRange,
  type Clock,
  type Content,
  contentOfBytes,
  type Digest,
  isStoreError,
  isWhole,
  orAborted,
  type Price,
  StoreError,
  systemClock,
  throwIfAborted,
} from "@bitstore/core";
import {
  clientContent,
  endStream,
  type FetchedBlob,
  isStream,
  notBytes,
  tooLarge,
} from "./client-stream.ts";
import type { Priced } from "./price.ts";
import { unsupportedWrites } from "./read-only.ts";
import { sourceLimits } from "./source-limits.ts";

/** Fetches one blob. It should heed the signal; where it does not, nobody waits for it. */
export type FetchBlob = (
  digest: Digest,
  options: { readonly signal: AbortSignal | undefined },
) => Promise<FetchedBlob | undefined | null> | FetchedBlob | undefined | null;

export interface ApiSourceOptions {
  /** Algorithms of the digests that the client is asked for (default all). */
  readonly algorithms?: readonly Algorithm[] | undefined;
  readonly price?: Price | undefined;
  /** Calls that are open at once (default 16); one is open until its bytes are read or disposed. */
  readonly concurrencyMax?: number | undefined;
  /** Calls that are started in a second (default: no limit). */
  readonly requestsPerSecondMax?: number | undefined;
  /** Milliseconds for which one RATE_LIMITED error holds the source at most (default 60 s). */
  readonly retryAfterMsMax?: number | undefined;
  /** Bytes of the largest blob (default 5 GiB). */
  readonly blobBytesMax?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Makes a source of any client: a function from a digest to bytes, a stream, or nothing. What the
 * function throws is UNAVAILABLE with that as its cause; a StoreError passes as it is, and if it
 * has `retryAfterMs`, later calls wait for that long. `stat`, ranges and writes are UNSUPPORTED.
 *
 * @example
 * const api = apiSource("archive", (digest, { signal }) => client.download(digest, signal));
 */
export function apiSource(
  name: string,
  fetchBlob: FetchBlob,
  options: ApiSourceOptions = {},
): BlobStore & Priced {
  const algorithms = options.algorithms ?? allAlgorithms;
  const blobBytesMax = options.blobBytesMax ?? 5 * 2 ** 30;
  const limits = sourceLimits(options.clock ?? systemClock, {
    concurrencyMax: options.concurrencyMax ?? 16,
    requestsPerSecondMax: options.requestsPerSecondMax,
    retryAfterMsMax: options.retryAfterMsMax ?? 60_000,
  });
  const unsupported = (operation: string, subject: string, message: string): StoreError =>
    new StoreError({ code: "UNSUPPORTED", operation, subject, source: name, message });

  function mapped(error: unknown, digest: Digest, signal: AbortSignal | undefined): StoreError {
    if (isStoreError(error)) {
      if (error.retryAfterMs !== undefined) limits.pause(error.retryAfterMs);
      return error;
    }
    if (signal?.aborted) return abortedError("open", signal, digest);
    // Its message may hold a URL with a secret; the cause has it for those who look for it.
    const kind = error instanceof Error ? error.name : typeof error;
    return new StoreError({
      code: "UNAVAILABLE",
      operation: "open",
      subject: digest,
      source: name,
      message: `the client failed with ${kind}; see the cause`,
      cause: error,
    });
  }

  async function openHeld(
    digest: Digest,
    signal: AbortSignal | undefined,
    release: () => void,
  ): Promise<Content | undefined> {
    await limits.turn("open", signal, digest);
    const fetching = (async () => fetchBlob(digest, { signal }))();
    const fetched = await orAborted(fetching, signal, "open", digest).catch((error: unknown) => {
      // A function that ignores the signal may still give a stream, which nobody will read.
      if (signal?.aborted) fetching.then(endStream, () => undefined);
      throw mapped(error, digest, signal);
    });
    if (fetched === undefined || fetched === null) {
      release();
      return undefined;
    }
    if (fetched instanceof Uint8Array) {
      if (fetched.byteLength > blobBytesMax) throw tooLarge(name, digest, blobBytesMax);
      release();
      return contentOfBytes({ size: fetched.byteLength, source: name }, fetched);
    }
    if (!isStream(fetched)) throw notBytes(name, digest, fetched);
    const onError = (error: unknown): StoreError => mapped(error, digest, signal);
    const reading = { source: name, digest, blobBytesMax, signal, mapped: onError, release };
    return clientContent(fetched, reading);
  }

  return {
    name,
    capabilities: {
      algorithms,
      stat: false,
      rangeRead: false,
      put: false,
      delete: false,
      list: false,
    },
    price: options.price,
    async stat(digest) {
      if (!algorithms.includes(algorithmOf(digest))) return undefined;
      throw unsupported("stat", digest, "this source can only fetch");
    },
    async open(digest, { range, signal, version } = {}) {
      if (!algorithms.includes(algorithmOf(digest))) return undefined;
      checkRange(range, "open", digest);
      throwIfAborted(signal, "open", digest);
      if (!isWhole(range)) throw unsupported("open", digest, "this source has no ranges");
      if (version !== undefined) throw unsupported("open", digest, "this source has no versions");
      const release = await limits.slot("open", signal, digest);
      try {
        return await openHeld(digest, signal, release);
      } catch (error) {
        release();
        throw error;
      }
    },
    ...unsupportedWrites(name),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
