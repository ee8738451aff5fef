import type { BlobStore } from "@bitstore/core";
import { afterAll, beforeAll, describe } from "vitest";
import { blobDeleteCases } from "./blob-cases/blob-delete-cases.ts";
import { blobListCases } from "./blob-cases/blob-list-cases.ts";
import { blobPutCases } from "./blob-cases/blob-put-cases.ts";
import { blobPutFailureCases } from "./blob-cases/blob-put-failure-cases.ts";
import { blobUnsupportedCases } from "./blob-cases/blob-unsupported-cases.ts";
import type { BlobStoreHarness } from "./blob-harness.ts";
import { blobSuite } from "./blob-suite.ts";
import type { CasesMin } from "./counted-cases.ts";
import { blobSourceCases } from "./describe-blob-source.ts";

/** Cases that must run: fewer is a failure. */
export const blobStoreCasesMin: CasesMin = { all: 60, readOnly: 25 };

/**
 * Declares the conformance suite of `BlobStore`: that of `BlobSource`, and put, delete and list.
 * Composites and layers pass it as any store does, and so does our own client against our server.
 *
 * @example
 * const bucket = memoryBucket();
 * describeBlobStore("memory", {
 *   open: async () => bucketStore(bucket, shardedLayout("")),
 *   …
 * });
 */
export function describeBlobStore(name: string, harness: BlobStoreHarness): void {
  describe(`blob store: ${name}`, () => {
    const suite = blobSuite<BlobStore>({
      harness,
      open: () => harness.open(),
      reopen: () => harness.reopen(),
      plant: async (store, blobs) => {
        if (harness.seed !== undefined) return await harness.seed(blobs);
        for (const { bytes, digest } of blobs) await store.put(bytes, { digest });
      },
      casesMin: blobStoreCasesMin,
    });
    beforeAll(suite.start);
    afterAll(suite.finish);
    blobSourceCases(suite);
    blobPutCases(suite);
    blobPutFailureCases(suite);
    blobDeleteCases(suite);
    blobListCases(suite);
    blobUnsupportedCases(suite);
  });
}
