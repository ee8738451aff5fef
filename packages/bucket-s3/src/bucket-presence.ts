import { HeadBucketCommand } from "@aws-sdk/client-s3";
import { isStoreError, orAborted } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import type { S3Session } from "./s3-session.ts";
import type { S3Settings } from "./s3-settings.ts";

/** Tells a missing object from a missing bucket. */
export interface BucketPresence {
  /**
   * Settles a 404 without a code, which may be about either: resolves where the bucket exists, so
   * that the object is a miss, and rejects with UNAVAILABLE where it does not. One HeadBucket
   * answers for seconds, and for all who ask meanwhile.
   */
  check(operation: string, subject: string, signal: AbortSignal | undefined): Promise<void>;
}

export function bucketPresence(session: S3Session, settings: S3Settings): BucketPresence {
  let checking: Promise<void> | undefined;

  async function headBucket(): Promise<void> {
    try {
      await session.ask({
        operation: "head",
        subject: undefined,
        send: (client, options) =>
          client.send(new HeadBucketCommand({ Bucket: settings.bucket }), options),
      });
    } catch (error) {
      // A bucket that one may not look at is there all the same.
      if (!isStoreError(error, "PERMISSION_DENIED")) throw error;
      if (error.serviceCode === undefined) session.sawBucket();
    } finally {
      checking = undefined;
    }
  }

  return {
    async check(operation, subject, signal) {
      if (session.bucketWasSeen()) return;
      // The check is shared, so that it ends with none of its callers.
      checking ??= headBucket();
      try {
        await orAborted(checking, signal, operation, subject);
      } catch (error) {
        if (!isStoreError(error, "NOT_FOUND")) throw error;
        throw answerError(
          "UNAVAILABLE",
          operation,
          { source: settings.name, subject },
          "no such bucket (404): create it, or correct its name or the endpoint",
          "permanent",
        );
      }
    },
  };
}
