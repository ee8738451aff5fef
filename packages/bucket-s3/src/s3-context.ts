import { checkKey, StoreError, throwIfAborted } from "@bitstore/core";
import type { BucketPresence } from "./bucket-presence.ts";
import type { Cleanups } from "./cleanups.ts";
import type { S3Session } from "./s3-session.ts";
import type { S3Settings } from "./s3-settings.ts";

/** What the operations of one bucket share. */
export interface S3Context {
  readonly settings: S3Settings;
  readonly session: S3Session;
  readonly presence: BucketPresence;
  readonly cleanups: Cleanups;
}

/**
 * Refuses what no service takes and, behind an endpoint of its own, keys with segments that a path
 * resolves away: AWS keeps them, MinIO refuses some and drops a leading slash, and gateways over a
 * file system answer with another object.
 */
export function checkCall(
  { settings }: S3Context,
  key: string,
  operation: string,
  signal: AbortSignal | undefined,
): void {
  const { name, capabilities, endpoint } = settings;
  checkKey(key, capabilities.keyBytesMax, operation, name);
  if (endpoint !== undefined && isPathLike(key)) {
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation,
      subject: `key ${JSON.stringify(key.slice(0, 80))}`,
      source: name,
      message: "the key has an empty, . or .. segment, which clones of S3 resolve to another key",
    });
  }
  throwIfAborted(signal, operation, key);
}

/** Tells whether a key has a segment that is empty (but the last), `.` or `..`. */
function isPathLike(key: string): boolean {
  return /^\/|\/\/|(^|\/)\.\.?(\/|$)/.test(key);
}
