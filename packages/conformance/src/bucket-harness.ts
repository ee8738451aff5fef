import type { Bucket } from "@bitstore/core";

/**
 * Names what a service or emulator is known to do otherwise. The suite then asserts that very
 * behaviour, so that a fixed emulator fails the test and the list shrinks.
 *
 * - `ignores-read-preconditions`: a read with a stale `ifVersion` answers the bytes of now.
 * - `ignores-replace-preconditions`: a put with a stale `ifVersion` replaces.
 * - `put-abort-waits-for-body`: an aborted put is answered when its body yields again, not before.
 * - `key-under-key-refused`: where `a` is an object, `a/b` can't be put.
 * - `key-under-key-unlisted`: where `a` is an object, `a/b` is stored and read, but not listed.
 * - `long-segments-refused`: a key segment of more than 255 bytes can't be put.
 * - `lists-by-utf16`: keys above U+FFFF are listed before those from U+E000 on.
 */
export type BucketDeviation =
  | "ignores-read-preconditions"
  | "ignores-replace-preconditions"
  | "put-abort-waits-for-body"
  | "key-under-key-refused"
  | "key-under-key-unlisted"
  | "long-segments-refused"
  | "lists-by-utf16";

/** What a driver gives the suite. */
export interface BucketHarness {
  /** Resolves to a handle of an empty namespace of its own; called a few times only. */
  open(): Promise<Bucket>;
  /** Resolves to another handle of the namespace that was opened first. */
  reopen(): Promise<Bucket>;
  /** Resolves to a handle of a bucket that does not exist; left out where there is no such thing. */
  readonly openMissing?: (() => Promise<Bucket>) | undefined;
  /** Stores an object behind the driver's back; needed where the driver itself can't write. */
  readonly seed?: ((key: string, bytes: Uint8Array) => Promise<void>) | undefined;
  /** Releases everything; called once, after the handles were disposed. */
  dispose(): Promise<void>;
  /** Bytes of the part above which the driver uploads in parts; adds sizes around it. */
  readonly partBytes?: number | undefined;
  /** Objects a page of the driver's lists; 1,000 where it is left out, which puts 2,010 objects. */
  readonly listPageSize?: number | undefined;
  readonly deviations?: readonly BucketDeviation[] | undefined;
  /** Those of `weirdKeys` that the service can't hold: the suite asserts that they are refused. */
  readonly keysRefused?: readonly string[] | undefined;
}
