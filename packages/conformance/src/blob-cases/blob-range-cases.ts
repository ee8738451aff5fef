import type { BlobSource, ByteRange } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { verifyFirstBytes } from "../blobs-around-limits.ts";
import { bytesOf, disposeOf, expectCode, expectSameBytes, streamOf } from "../expectations.ts";

/** Ranges of small blobs and of those that are too large to be verified first. */
export function blobRangeCases(suite: BlobSuite<BlobSource>): void {
  for (const size of [100_000, verifyFirstBytes + 100_000]) {
    const ranges: readonly [title: string, range: ByteRange][] = [
      ["the first byte", { start: 0, end: 1 }],
      ["a middle", { start: 1000, end: 70_001 }],
      ["to the end", { start: size - 1000, end: undefined }],
      ["the last byte", { start: size - 1, end: size }],
      ["past the end", { start: size - 1, end: size * 2 }],
      ["all but the first byte", { start: 1, end: undefined }],
      ["the whole", { start: 0, end: undefined }],
    ];
    suite.test(`ranges of ${size} bytes`, ["rangeRead"], async () => {
      const blob = await suite.planted(size);
      for (const [title, range] of ranges) {
        const expected = blob.bytes.subarray(range.start, range.end);
        const content = await suite.source.open(blob.digest, { range });
        expect(content?.range.start, title).toBe(range.start);
        expectSameBytes(await bytesOf(content), expected);
        expectSameBytes(await streamOf(await suite.source.open(blob.digest, { range })), expected);
      }
    });
  }

  suite.test("ranges past the end", ["rangeRead"], async () => {
    const blob = await suite.planted(100);
    for (const start of [100, 101, 1_000_000]) {
      const opening = suite.source.open(blob.digest, { range: { start, end: undefined } });
      await expectCode(opening, "RANGE_NOT_SATISFIABLE");
    }
  });

  suite.test("ranges that are none", ["rangeRead"], async () => {
    const blob = await suite.planted(100);
    for (const range of [
      { start: 5, end: 5 },
      { start: 6, end: 5 },
      { start: -1, end: 5 },
      { start: 0.5, end: 2 },
    ]) {
      await expectCode(suite.source.open(blob.digest, { range }), "INVALID_ARGUMENT");
    }
  });

  suite.test("a range of an absent blob is a miss", ["rangeRead"], async () => {
    const { digest } = await suite.fresh(100);
    expect(await suite.source.open(digest, { range: { start: 1, end: 2 } })).toBeUndefined();
  });

  suite.test("the empty blob has its whole range only", ["rangeRead"], async () => {
    const blob = await suite.planted(0);
    const whole = await suite.source.open(blob.digest, { range: { start: 0, end: undefined } });
    expect(await bytesOf(whole)).toHaveLength(0);
    const opening = suite.source.open(blob.digest, { range: { start: 0, end: 1 } });
    await expectCode(opening, "RANGE_NOT_SATISFIABLE");
  });

  suite.test("ranges pinned to a version are cut from one object", ["rangeRead"], async () => {
    const blob = await suite.planted(verifyFirstBytes + 10);
    const first = await suite.source.open(blob.digest, { range: { start: 0, end: 10 } });
    await disposeOf(first);
    const parts: Uint8Array[] = [];
    for (let start = 0; start < blob.size; start += 2_000_003) {
      const range = { start, end: start + 2_000_003 };
      const content = await suite.source.open(blob.digest, { range, version: first?.version });
      parts.push(await bytesOf(content));
    }
    expectSameBytes(Buffer.concat(parts), blob.bytes);
  });

  suite.test("where ranges can't be read they are UNSUPPORTED", [], async () => {
    if (suite.source.capabilities.rangeRead) return;
    const blob = await suite.planted(100);
    const opening = suite.source.open(blob.digest, { range: { start: 1, end: 2 } });
    await expectCode(opening, "UNSUPPORTED");
  });
}
