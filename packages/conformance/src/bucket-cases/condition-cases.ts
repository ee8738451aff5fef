import { expect } from "vitest";
import { observedBody } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { expectCode } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** Conditions of a put: create only, and replace one version only. */
export function conditionCases(suite: BucketSuite): void {
  const { partBytes } = suite.harness;
  const sizes = [0, 1, 1000, ...(partBytes === undefined ? [] : [partBytes, partBytes + 1])];

  for (const size of sizes) {
    suite.test(`ifAbsent with ${size} bytes`, ["write", "createIfAbsent"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      const first = seededBytes(size, 1);
      const second = observedBody({ bytes: seededBytes(size, 2) });
      expect(await suite.bucket.put(key, first, { ifAbsent: true, size })).toBe("created");
      await suite.expectStored(key, first);
      const version = (await suite.bucket.head(key))?.version;
      expect(await suite.bucket.put(key, second.body, { ifAbsent: true })).toBe("existed");
      await suite.expectStored(key, first);
      expect((await suite.bucket.head(key))?.version).toBe(version);
      expect(second.opened).toBeLessThanOrEqual(1);
      // A body that was opened to no use must be closed, or its file stays open.
      expect(second.closed).toBe(second.opened);
    });

    suite.test(`ifVersion with ${size} bytes`, ["write", "replaceIfMatch"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      await suite.bucket.put(key, seededBytes(10, 1));
      const first = (await suite.bucket.head(key))?.version;
      expect(first).toBeDefined();
      const second = seededBytes(size, 2);
      expect(await suite.bucket.put(key, second, { ifVersion: first, size })).toBe("replaced");
      await suite.expectStored(key, second);
      const stale = suite.bucket.put(key, seededBytes(size, 3), { ifVersion: first });
      if (suite.deviates("ignores-replace-preconditions")) {
        expect(await stale).toBe("replaced");
        return;
      }
      await expectCode(stale, "PRECONDITION_FAILED");
      await suite.expectStored(key, second);
      const now = (await suite.bucket.head(key))?.version;
      expect(now).not.toBe(first);
      expect(await suite.bucket.put(key, seededBytes(5, 4), { ifVersion: now })).toBe("replaced");
      await suite.expectStored(key, seededBytes(5, 4));
    });
  }

  suite.test("ifVersion of an absent object", ["write", "replaceIfMatch"], async () => {
    if (suite.deviates("ignores-replace-preconditions")) return;
    const prefix = suite.freshPrefix();
    await suite.bucket.put(`${prefix}other`, seededBytes(10));
    const ifVersion = (await suite.bucket.head(`${prefix}other`))?.version;
    const putting = suite.bucket.put(`${prefix}absent`, seededBytes(10), { ifVersion });
    await expectCode(putting, "PRECONDITION_FAILED");
    await suite.expectStored(`${prefix}absent`, undefined);
  });

  suite.test(
    "ifVersion that is no version of this service",
    ["write", "replaceIfMatch"],
    async () => {
      if (suite.deviates("ignores-replace-preconditions")) return;
      const key = `${suite.freshPrefix()}blob`;
      await suite.bucket.put(key, seededBytes(10));
      for (const ifVersion of ["", "nonsense", '"quoted"', "0", "*"]) {
        const putting = suite.bucket.put(key, seededBytes(20), { ifVersion });
        await expectCode(putting, "PRECONDITION_FAILED", "INVALID_ARGUMENT");
      }
      await suite.expectStored(key, seededBytes(10));
    },
  );

  suite.test("both conditions at once are refused", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const putting = suite.bucket.put(key, seededBytes(10), { ifAbsent: true, ifVersion: "v" });
    await expectCode(putting, "INVALID_ARGUMENT");
    await suite.expectStored(key, undefined);
  });

  const needs = ["write", "createIfAbsent", "delete"] as const;
  suite.test("ifAbsent creates again after a delete", needs, async () => {
    const key = `${suite.freshPrefix()}blob`;
    for (const seed of [1, 2]) {
      const bytes = seededBytes(100, seed);
      expect(await suite.bucket.put(key, bytes, { ifAbsent: true })).toBe("created");
      await suite.expectStored(key, bytes);
      expect(await suite.bucket.delete(key)).toBe(true);
    }
  });
}
