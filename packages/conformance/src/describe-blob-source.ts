import type { BlobSource } from "@bitstore/core";
import { afterAll, beforeAll, describe } from "vitest";
import { blobAbortCases } from "./blob-cases/blob-abort-cases.ts";
import { blobAbsenceCases } from "./blob-cases/blob-absence-cases.ts";
import { blobRangeCases } from "./blob-cases/blob-range-cases.ts";
import { blobReadCases } from "./blob-cases/blob-read-cases.ts";
import { blobReleaseCases } from "./blob-cases/blob-release-cases.ts";
import type { BlobSourceHarness } from "./blob-harness.ts";
import { type BlobSuite, blobSuite } from "./blob-suite.ts";
import type { CasesMin } from "./counted-cases.ts";

/** Cases that must run: fewer is a failure. */
export const blobSourceCasesMin: CasesMin = { all: 25, readOnly: 25 };

/**
 * Declares the conformance suite of `BlobSource`: what it answers to `stat` and `open`. What is
 * skipped derives from the capabilities alone, and where a flag is false the operation must reject
 * with UNSUPPORTED. The cases share one `open()` and use blobs of their own.
 */
export function describeBlobSource(name: string, harness: BlobSourceHarness): void {
  describe(`blob source: ${name}`, () => {
    const suite = blobSuite<BlobSource>({
      harness,
      open: () => harness.open(),
      reopen: () => harness.reopen(),
      plant: (_, blobs) => harness.seed(blobs),
      casesMin: blobSourceCasesMin,
    });
    beforeAll(suite.start);
    afterAll(suite.finish);
    blobSourceCases(suite);
  });
}

/** The cases of a source, which those of a store begin with. */
export function blobSourceCases(suite: BlobSuite<BlobSource>): void {
  blobReadCases(suite);
  blobRangeCases(suite);
  blobAbsenceCases(suite);
  blobAbortCases(suite);
  blobReleaseCases(suite);
}
