import type { Body } from "./bytes.ts";
import type { Content } from "./content.ts";
import type { ByteRange } from "./range.ts";
import type { CallOptions } from "./source.ts";

/** What a bucket can do, as data. Where a flag is false the operation rejects with UNSUPPORTED. */
export interface BucketCapabilities {
  readonly write: boolean;
  readonly delete: boolean;
  readonly list: boolean;
  readonly rangeRead: boolean;
  /** `put` with `ifAbsent` has one winner among racing writers. */
  readonly createIfAbsent: boolean;
  /** `put` with `ifVersion` replaces that version only. */
  readonly replaceIfMatch: boolean;
  /** Bytes of the largest object that the service takes. */
  readonly objectBytesMax: number;
  /** UTF-8 bytes of the longest key that the service takes. */
  readonly keyBytesMax: number;
}

/** What a service tells of an object without its bytes. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** Entity tag or generation; opaque, compared for equality only. */
  readonly version: string | undefined;
  /** By the service's clock: what is old enough is judged by it, never which of two came first. */
  readonly modifiedAt: Date | undefined;
  /** Lower-case hex of the provider's own MD5 of the stored bytes, where it vouches for one. */
  readonly md5: string | undefined;
  /** In cold storage: it is there, but a read answers ARCHIVED. */
  readonly archived: boolean;
}

export interface ReadOptions extends CallOptions {
  readonly range?: ByteRange | undefined;
  /** Reads that version only, else PRECONDITION_FAILED. */
  readonly ifVersion?: string | undefined;
}

export interface PutOptions extends CallOptions {
  /** Bytes of the body where known. A body of another length is INVALID_ARGUMENT, nothing stored. */
  readonly size?: number | undefined;
  /** Creates only: resolves to `existed` where the key is taken. Excludes `ifVersion`. */
  readonly ifAbsent?: boolean | undefined;
  /** Replaces that version only, else PRECONDITION_FAILED (also where the key is absent). */
  readonly ifVersion?: string | undefined;
  readonly contentType?: string | undefined;
}

/** `created` and `existed` answer `ifAbsent`; a put without it answers `replaced`. */
export type PutOutcome = "created" | "replaced" | "existed";

export interface ListOptions extends CallOptions {
  /** Lists keys greater than this one (exclusive, whole key, need not exist). */
  readonly startAfter?: string | undefined;
  /** Ends after this many. */
  readonly limit?: number | undefined;
}

/**
 * A flat key space in one service. A driver is transport, key mapping and error mapping; digests,
 * verification, retries and metrics live above it. Every operation rejects with a StoreError:
 * INVALID_ARGUMENT for a key that is empty or too long; ABORTED when the signal aborts, promptly;
 * UNAVAILABLE for a bucket that does not exist (that is a failure, not a miss); the driver's own
 * retries are off, except of one part of a multipart upload, which nobody above could repeat.
 */
export interface Bucket extends AsyncDisposable {
  /** For messages and reports, such as `s3://models/prefix/`; without secrets. */
  readonly name: string;
  /**
   * The service that it lies in, such as `https://s3.amazonaws.com` or an emulator's address, without
   * secrets: of two buckets with one name in two services only one may keep its promises.
   */
  readonly service: string;
  readonly capabilities: BucketCapabilities;

  /**
   * Tells the time by the service's clock: what its last answer said (the `Date` of HTTP, in whole
   * seconds) and how long ago that was. Undefined before the first answer. Makes no request.
   */
  serviceTime(): Date | undefined;

  /** Resolves to what is known of an object; undefined where it is absent. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;

  /**
   * Opens an object's bytes as they are stored, with no decompression; undefined where it is absent.
   * Rejects with RANGE_NOT_SATISFIABLE where the range starts at or past the end (the whole range
   * of an empty object is fine), PRECONDITION_FAILED where `ifVersion` is not the version now,
   * ARCHIVED where it is in cold storage. A body that ends short of what was promised throws
   * UNAVAILABLE, and never ends cleanly. An answer of the whole object where a range was asked is
   * cut to the range or rejected, never handed out as the range.
   */
  read(key: string, options?: ReadOptions): Promise<Content | undefined>;

  /**
   * Stores an object, whole or not at all: a body that throws, or an abort, aborts the upload and
   * nothing becomes visible; the body's own error is rethrown as it is. The body is opened once.
   * Above a part size it goes in parts, of which a bounded number is in memory.
   */
  put(key: string, body: Body, options?: PutOptions): Promise<PutOutcome>;

  /** Deletes an object; resolves to whether there was one. Deleting an absent one is no error. */
  delete(key: string, options?: CallOptions): Promise<boolean>;

  /**
   * Lists objects whose keys start with the prefix, in ascending order of the keys' UTF-8 bytes,
   * page by page as it is iterated. Leaving the loop early costs no further request.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;

  /** Lists the distinct prefixes one level below, up to and with the next `/`, ascending. */
  listPrefixes(prefix: string, options?: ListOptions): AsyncIterable<string>;
}
