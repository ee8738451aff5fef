import { afterAll, beforeAll, describe } from "vitest";
import { abortCases } from "./bucket-cases/abort-cases.ts";
import { absenceCases } from "./bucket-cases/absence-cases.ts";
import { conditionCases } from "./bucket-cases/condition-cases.ts";
import { failingBodyCases } from "./bucket-cases/failing-body-cases.ts";
import { keyCases } from "./bucket-cases/key-cases.ts";
import { listBoundCases } from "./bucket-cases/list-bound-cases.ts";
import { listCases } from "./bucket-cases/list-cases.ts";
import { listPrefixCases } from "./bucket-cases/list-prefix-cases.ts";
import { raceCases } from "./bucket-cases/race-cases.ts";
import { rangeCases } from "./bucket-cases/range-cases.ts";
import { releaseCases } from "./bucket-cases/release-cases.ts";
import { roundTripCases } from "./bucket-cases/round-trip-cases.ts";
import { serviceTimeCases } from "./bucket-cases/service-time-cases.ts";
import { unsupportedCases } from "./bucket-cases/unsupported-cases.ts";
import type { BucketHarness } from "./bucket-harness.ts";
import { bucketSuite } from "./bucket-suite.ts";
import type { CasesMin } from "./counted-cases.ts";

/** Cases that must run: fewer is a failure. A bucket that can't be written skips most. */
export const bucketCasesMin: CasesMin = { all: 100, readOnly: 20 };

/**
 * Declares the conformance suite of `Bucket` for one driver. What is skipped derives from the
 * bucket's capabilities alone, and where a flag is false the operation must reject with
 * UNSUPPORTED. The cases share one `open()` and use key prefixes of their own, so that they are
 * cheap on a cloud; they run one after the other.
 *
 * @example
 * describeBucket("memory", {
 *   open: async () => memoryBucket(),
 *   reopen: async () => theFirstOne,
 *   dispose: async () => {},
 * });
 */
export function describeBucket(name: string, harness: BucketHarness): void {
  describe(`bucket: ${name}`, () => {
    const suite = bucketSuite(harness, bucketCasesMin);
    beforeAll(suite.start);
    afterAll(suite.finish);
    roundTripCases(suite);
    failingBodyCases(suite);
    abortCases(suite);
    conditionCases(suite);
    raceCases(suite);
    rangeCases(suite);
    releaseCases(suite);
    absenceCases(suite);
    listCases(suite);
    listBoundCases(suite);
    listPrefixCases(suite);
    keyCases(suite);
    serviceTimeCases(suite);
    unsupportedCases(suite);
  });
}
