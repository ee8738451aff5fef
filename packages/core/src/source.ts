import type { Body } from "./bytes.ts";
import type { Content } from "./content.ts";
import type { Algorithm, Descriptor, Digest } from "./digest.ts";
import type { StoreError } from "./errors.ts";
import type { ByteRange } from "./range.ts";

export interface CallOptions {
  /** Detaches this caller only: work that is shared goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what each tier said, as it says it. */
  readonly onAttempt?: ((attempt: Attempt) => void) | undefined;
}

/** What one tier said to one question. */
export interface Attempt {
  readonly tier: string;
  readonly outcome: "hit" | "miss" | "corrupt" | "failed" | "denied" | "archived" | "skipped";
  readonly elapsedMs: number;
  /** Bytes that were received from the tier for this question. */
  readonly bytes: number;
  /** Why it was skipped or remembered, in a few words. */
  readonly note?: string | undefined;
  readonly error?: StoreError | undefined;
}

/** What a source can do, as data. Where a flag is false the operation rejects with UNSUPPORTED. */
export interface SourceCapabilities {
  /** Digests of any other algorithm are a miss without a request, and can't be put. */
  readonly algorithms: readonly Algorithm[];
  /** Whether `stat` is answered without the bytes; where false it rejects with UNSUPPORTED. */
  readonly stat: boolean;
  readonly rangeRead: boolean;
  readonly put: boolean;
  readonly delete: boolean;
  readonly list: boolean;
}

export interface OpenOptions extends CallOptions {
  /**
   * Promises to write into none of the bytes: then those that lie in memory are handed out as they
   * are. Without it they are copied first.
   */
  readonly borrows?: boolean | undefined;
  readonly range?: ByteRange | undefined;
  /** Reads that version only (see Content.version), else PRECONDITION_FAILED. */
  readonly version?: string | undefined;
  /** Names of tiers that must not be asked. */
  readonly avoid?: ReadonlySet<string> | undefined;
}

export interface StatOptions extends CallOptions {
  /**
   * Asks only where puts are kept for good: a source that is made of tiers asks its origin, since a
   * copy in a cache makes nothing durable. Others have one answer to both questions.
   */
  readonly durable?: boolean | undefined;
}

/** Answers by digest. `undefined` means "answered: not here"; an exception, "could not answer". */
export interface BlobSource extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: SourceCapabilities;

  /** Resolves to digest and size without the bytes; undefined where the blob is absent. */
  stat(digest: Digest, options?: StatOptions): Promise<Descriptor | undefined>;

  /**
   * Opens a blob's bytes; undefined where it is absent. The bytes are as the source has them: they
   * are verified by the composite or by `verified`, not by a driver.
   */
  open(digest: Digest, options?: OpenOptions): Promise<Content | undefined>;
}

export interface BlobPutOptions extends CallOptions {
  /** The body must match it, else DIGEST_MISMATCH and nothing is stored. */
  readonly digest?: Digest | undefined;
  /** The algorithm to name the blob by where no digest is given; sha256 where neither is. */
  readonly algorithm?: Algorithm | undefined;
  /** Bytes of the body where known. */
  readonly size?: number | undefined;
  /** Is called while the store is busy with what is there already, and takes nothing of the body. */
  readonly onProgress?: (() => void) | undefined;
}

export interface PutResult extends Descriptor {
  /** `existed` means that this store holds the right bytes already, checked. */
  readonly outcome: "created" | "existed";
}

export interface BlobListOptions extends CallOptions {
  /** Lists digests greater than this one. */
  readonly startAfter?: Digest | undefined;
}

/** A source that can also be written. */
export interface BlobStore extends BlobSource {
  /**
   * Stores a blob and resolves when it is durable. With a digest the bytes are verified on the way
   * in; without one they are spooled to a bounded file while they are hashed. An object that is
   * there and right is never rewritten.
   */
  put(body: Body, options?: BlobPutOptions): Promise<PutResult>;

  /** Deletes a blob; resolves to whether there was one. */
  delete(digest: Digest, options?: CallOptions): Promise<boolean>;

  /** Lists what is stored, in ascending order of the digests as strings. */
  list(options?: BlobListOptions): AsyncIterable<Descriptor>;
}
