import { algorithms, type BlobStore } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { expectCode } from "../expectations.ts";

/** Deletes: gone for stat, open and list, and free to be put again. */
export function blobDeleteCases(suite: BlobSuite<BlobStore>): void {
  const needs = ["put", "delete"] as const;

  for (const size of [0, 1000, 200_000]) {
    suite.test(`a deleted blob of ${size} bytes is gone, and can come back`, needs, async () => {
      const blob = await suite.planted(size);
      const { digest } = blob;
      await suite.expectThere(blob);
      expect(await suite.source.delete(digest)).toBe(true);
      await suite.expectAbsent(digest);
      expect(await suite.source.delete(digest)).toBe(false);
      expect((await suite.source.put(blob.bytes, { digest })).outcome).toBe("created");
      await suite.expectThere(blob);
    });
  }

  suite.test("what one handle deletes is gone for the other", needs, async () => {
    const blob = await suite.planted(1000);
    const other = await suite.reopen();
    await suite.expectThere(blob);
    expect(await other.delete(blob.digest)).toBe(true);
    const content = await other.open(blob.digest);
    await content?.[Symbol.asyncDispose]();
    expect(content).toBeUndefined();
  });

  suite.test("deleting what is absent, or can't be held, answers false", ["delete"], async () => {
    for (const algorithm of algorithms) {
      const { digest } = await suite.fresh(10, algorithm);
      expect(await suite.source.delete(digest)).toBe(false);
    }
  });

  suite.test("delete takes nothing else with it", needs, async () => {
    const [one, other] = [await suite.planted(1000), await suite.planted(1000)];
    expect(await suite.source.delete(one.digest)).toBe(true);
    await suite.expectThere(other);
  });

  suite.test("an aborted delete deletes nothing", needs, async () => {
    const blob = await suite.planted(1000);
    await expectCode(suite.source.delete(blob.digest, { signal: AbortSignal.abort() }), "ABORTED");
    await suite.expectThere(blob);
  });
}
