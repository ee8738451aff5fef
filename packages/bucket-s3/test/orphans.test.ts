import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { Bucket, Bytes, PutOptions } from "@bitstore/core";
import { describe, expect, inject, test } from "vitest";
import type { S3Service } from "../../../test/services/services.ts";
import { s3Bucket } from "../src/index.ts";
import { makeBucket, optionsOf, plainClient } from "./services-of-s3.ts";

// However a put in parts ends, it leaves no upload behind whose parts would be paid for: the
// service itself is asked for its incomplete uploads afterwards.

const { s3, s3Clone } = inject("services");
const partBytes = 5 * 1024 * 1024;
const own = new Error("the body's own");

/** Gives bytes in chunks of a megabyte, then does what it is told. */
function stream(bytes: number, then: () => void = () => undefined): () => Bytes {
  return async function* () {
    const chunk = new Uint8Array(1024 * 1024).fill(1);
    for (let left = bytes; left > 0; left -= chunk.byteLength) {
      yield chunk.subarray(0, Math.min(left, chunk.byteLength));
    }
    then();
  };
}

const endings: Record<string, (bucket: Bucket) => Promise<unknown>> = {
  "a body that throws after two parts": (bucket) =>
    bucket.put(
      "key",
      stream(2 * partBytes + 5, () => {
        throw own;
      }),
    ),
  "a body that is shorter than declared": (bucket) =>
    bucket.put("key", stream(2 * partBytes), { size: 3 * partBytes }),
  "a body that is longer than declared": (bucket) =>
    bucket.put("key", stream(3 * partBytes), { size: 2 * partBytes }),
  "an abort between parts": (bucket) => {
    const controller = new AbortController();
    const body = stream(2 * partBytes + 5, () => controller.abort());
    return bucket.put("key", body, { signal: controller.signal });
  },
  "an object that exists": async (bucket) => {
    const options: PutOptions = { ifAbsent: true };
    await bucket.put("key", stream(10), options);
    expect(await bucket.put("key", stream(2 * partBytes), options)).toBe("existed");
  },
  "a version that is not that of now": async (bucket) => {
    await bucket.put("key", stream(10));
    await bucket.put("key", stream(2 * partBytes), { ifVersion: "0".repeat(32) });
  },
  "a version of an object that is absent": (bucket) =>
    bucket.put("absent", stream(2 * partBytes), { ifVersion: "0".repeat(32) }),
  success: (bucket) => bucket.put("key", stream(3 * partBytes)),
};

for (const [name, service] of [
  ["MinIO", s3],
  ["versitygw", s3Clone],
] as const) {
  describe.skipIf(service === undefined)(`on ${name}, no upload is left behind by`, () => {
    if (service !== undefined) leavesNone(service);
  });
}

function leavesNone(service: S3Service): void {
  for (const [title, put] of Object.entries(endings)) {
    test(title, async () => {
      const Bucket = await makeBucket(service);
      await using bucket = s3Bucket(optionsOf(service, Bucket));
      await put(bucket).catch(() => undefined);
      const client = plainClient(service);
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      expect(Uploads).toEqual([]);
      client.destroy();
    });
  }
}
