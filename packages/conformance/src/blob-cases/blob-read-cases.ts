import { algorithms, type BlobSource } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { verifyFirstBytes } from "../blobs-around-limits.ts";
import { bytesOf, disposeOf, expectCode, expectSameBytes, streamOf } from "../expectations.ts";
import { sizesAround } from "../sizes-around.ts";

/** Blobs come back byte for byte, at the sizes where readers change their ways. */
export function blobReadCases(suite: BlobSuite<BlobSource>): void {
  const sizes = sizesAround(verifyFirstBytes, ...(suite.harness.sizesAround ?? []));
  for (const size of sizes) {
    suite.test(`${size} bytes come back`, [], async () => {
      const blob = await suite.planted(size);
      await suite.expectThere(blob);
      expectSameBytes(await streamOf(await suite.source.open(blob.digest)), blob.bytes);
    });
  }

  for (const algorithm of algorithms) {
    suite.test(`${algorithm} names blobs, or is a miss`, [], async () => {
      const held = suite.source.capabilities.algorithms.includes(algorithm);
      for (const size of [0, 1, 70_000, verifyFirstBytes + 1]) {
        const blob = await suite.fresh(size, algorithm);
        if (held) {
          await suite.plant([blob]);
          await suite.expectThere(blob);
          continue;
        }
        const before = suite.harness.requests?.();
        await suite.expectAbsent(blob.digest);
        expect(suite.harness.requests?.(), "requests for an algorithm it can't hold").toBe(before);
      }
    });
  }

  suite.test("a read says what it is", [], async () => {
    const blob = await suite.planted(5000);
    const content = await suite.source.open(blob.digest);
    await disposeOf(content);
    expect([undefined, 5000]).toContain(content?.size);
    expect(content?.range.start).toBe(0);
    expect([undefined, 5000]).toContain(content?.range.end);
    expect(content?.source).not.toBe("");
    expect(["source", "cache"]).toContain(content?.role);
  });

  suite.test("stat says digest and size, or UNSUPPORTED", [], async () => {
    const { digest, size } = await suite.planted(5000);
    const asked = suite.source.stat(digest);
    if (suite.source.capabilities.stat) expect(await asked).toEqual({ digest, size });
    else await expectCode(asked, "UNSUPPORTED");
  });

  suite.test("another handle reads the same", [], async () => {
    const other = await suite.reopen();
    const blob = await suite.planted(70_000);
    expectSameBytes(await bytesOf(await other.open(blob.digest)), blob.bytes);
  });

  suite.test("32 readers of one blob, and 64 of many, at once", [], async () => {
    const one = await suite.planted(300_000);
    const readOne = async (_: unknown, at: number): Promise<void> => {
      const content = await suite.source.open(one.digest);
      const bytes = at % 2 === 0 ? await streamOf(content) : await bytesOf(content);
      expectSameBytes(bytes, one.bytes);
    };
    await Promise.all(Array.from({ length: 32 }, readOne));
    const many = await Promise.all(Array.from({ length: 64 }, (_, at) => suite.fresh(1000 + at)));
    await suite.plant(many);
    await Promise.all(many.map((blob) => suite.expectThere(blob)));
  });

  suite.test("names of tiers to avoid that are not this one change nothing", [], async () => {
    const blob = await suite.planted(1000);
    const content = await suite.source.open(blob.digest, { avoid: new Set(["no such tier"]) });
    expectSameBytes(await bytesOf(content), blob.bytes);
  });

  suite.test("capabilities and name are well formed", [], () => {
    const { name, capabilities } = suite.source;
    expect(name).not.toBe("");
    expect(name).not.toMatch(/@|secret|password|sig=/i);
    expect(capabilities.algorithms.length).toBeGreaterThan(0);
    expect(new Set(capabilities.algorithms).size).toBe(capabilities.algorithms.length);
    for (const algorithm of capabilities.algorithms) expect(algorithms).toContain(algorithm);
    return Promise.resolve();
  });
}
