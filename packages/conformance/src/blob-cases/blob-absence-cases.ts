import { type BlobSource, digestOf } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { expectCode } from "../expectations.ts";

/** What is not there is a miss; what could not answer is none. */
export function blobAbsenceCases(suite: BlobSuite<BlobSource>): void {
  suite.test("an unknown digest is a miss, again and again", [], async () => {
    for (const algorithm of suite.source.capabilities.algorithms) {
      const { digest } = await suite.fresh(100, algorithm);
      for (let turn = 0; turn < 3; turn += 1) await suite.expectAbsent(digest);
    }
  });

  suite.test("a blob that comes after a miss is found", [], async () => {
    // A cache of misses must not outlive what this very handle writes.
    if (!suite.source.capabilities.put) return;
    const blob = await suite.fresh(1000);
    await suite.expectAbsent(blob.digest);
    await suite.plant([blob]);
    await suite.expectThere(blob);
  });

  suite.test("a digest names one algorithm's blob only", [], async () => {
    const { algorithms } = suite.source.capabilities;
    if (!algorithms.includes("sha256")) return;
    const blob = await suite.planted(1000, "sha256");
    for (const algorithm of ["sha3-256", "blake3"] as const) {
      const other = await digestOf(blob.bytes, algorithm);
      await suite.expectAbsent(other);
      const sameHex = await digestOf(Buffer.from(blob.digest), algorithm);
      await suite.expectAbsent(sameHex);
    }
  });

  suite.test("another namespace holds nothing of this one", [], async () => {
    const blob = await suite.planted(1000);
    const other = await suite.open();
    const content = await other.open(blob.digest);
    await content?.[Symbol.asyncDispose]();
    expect(content).toBeUndefined();
  });

  if (suite.harness.openUnreachable === undefined) return;
  suite.test("a source that can't be reached is UNAVAILABLE, never a miss", [], async () => {
    const source = await suite.harness.openUnreachable?.();
    if (source === undefined) return;
    const { digest } = await suite.fresh(100);
    await expectCode(source.open(digest), "UNAVAILABLE");
    if (source.capabilities.stat) await expectCode(source.stat(digest), "UNAVAILABLE");
    await source[Symbol.asyncDispose]();
  });
}
