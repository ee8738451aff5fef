import { afterAll, beforeAll, describe } from "vitest";
import { tagAbortCases } from "./tag-cases/tag-abort-cases.ts";
import { tagChangeCases } from "./tag-cases/tag-change-cases.ts";
import { tagExpectCases } from "./tag-cases/tag-expect-cases.ts";
import { tagHistoryCases } from "./tag-cases/tag-history-cases.ts";
import { tagLimitCases } from "./tag-cases/tag-limit-cases.ts";
import { tagListCases } from "./tag-cases/tag-list-cases.ts";
import { tagNameCases } from "./tag-cases/tag-name-cases.ts";
import { tagNonceCases } from "./tag-cases/tag-nonce-cases.ts";
import { tagRaceCases } from "./tag-cases/tag-race-cases.ts";
import { tagSetCases } from "./tag-cases/tag-set-cases.ts";
import { tagWatchCases } from "./tag-cases/tag-watch-cases.ts";
import type { TagHarness } from "./tag-harness.ts";
import { tagSuite } from "./tag-suite.ts";

/** Cases that must run: fewer is a failure. */
export const tagLogCasesMin = 175;

/**
 * Declares the conformance suite of `TagLog`. Nothing is skipped but what needs an absent digest.
 * The cases share one `open()`, a handle more of it, and use tag names of their own; they run one
 * after the other, and write some 700 entries.
 *
 * @example
 * describeTagLog("memory", {
 *   open: async () => tagLog(memoryBucket(), { checkTarget: trustTargets }),
 *   reopen: async () => anotherHandleOfTheFirst,
 *   target: async (n) => digestOf(Buffer.from(`blob ${n}`), "sha256"),
 *   dispose: async () => {},
 * });
 */
export function describeTagLog(name: string, harness: TagHarness): void {
  describe(`tag log: ${name}`, () => {
    const suite = tagSuite(harness, tagLogCasesMin);
    beforeAll(suite.start);
    afterAll(suite.finish);
    tagNameCases(suite);
    tagSetCases(suite);
    tagExpectCases(suite);
    tagChangeCases(suite);
    tagNonceCases(suite);
    tagLimitCases(suite);
    tagHistoryCases(suite);
    tagListCases(suite);
    tagWatchCases(suite);
    tagRaceCases(suite);
    tagAbortCases(suite);
  });
}
