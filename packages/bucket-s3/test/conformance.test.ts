import { describeBucket, type BucketDeviation } from "@bitstore/conformance";
import { describe, inject } from "vitest";
import type { S3Service } from "../../../test/services/services.ts";
import { s3Bucket } from "../src/index.ts";
import { makeBucket, optionsOf } from "./services-of-s3.ts";

// The suite of every bucket, over two implementations of S3, so that no habit of one is taken for
// S3. The parts are as small as S3 allows, and pages of lists small, to cross their edges often.

const { s3, s3Clone } = inject("services");

describe.skipIf(s3 === undefined)("on MinIO", () => {
  if (s3 !== undefined)
    conforms("s3 on MinIO", s3, ["long-segments-refused", "key-under-key-unlisted"], []);
});

describe.skipIf(s3Clone === undefined)("on versitygw", () => {
  if (s3Clone === undefined) return;
  conforms("s3 on versitygw", s3Clone, ["long-segments-refused", "key-under-key-refused"], []);
});

function conforms(
  name: string,
  service: S3Service,
  deviations: readonly BucketDeviation[],
  keysRefused: readonly string[],
): void {
  let first: Promise<string> | undefined;
  const open = (bucket: string) =>
    s3Bucket({ ...optionsOf(service, bucket), listPageSize: 50, partsInFlightMax: 3 });
  describeBucket(name, {
    open: async () => {
      const made = makeBucket(service);
      first ??= made;
      return open(await made);
    },
    reopen: async () => open((await first) ?? ""),
    openMissing: async () => open("bitstore-no-such-bucket"),
    dispose: async () => undefined,
    partBytes: 5 * 1024 * 1024,
    listPageSize: 50,
    deviations,
    keysRefused,
  });
}
