import type { ByteRange } from "@bitstore/core";
import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { bytesOf, disposeOf, expectCode, expectSameBytes, streamOf } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

const size = 100_000;

/** Ranges that hold something, and the bytes that they hold. */
const satisfiable: readonly [title: string, range: ByteRange, start: number, end: number][] = [
  ["the first byte", { start: 0, end: 1 }, 0, 1],
  ["a middle", { start: 1000, end: 70_001 }, 1000, 70_001],
  ["one byte in the middle", { start: 65_535, end: 65_536 }, 65_535, 65_536],
  ["from the middle to the end", { start: 99_000, end: undefined }, 99_000, size],
  ["the last byte", { start: size - 1, end: size }, size - 1, size],
  ["the last byte, open", { start: size - 1, end: undefined }, size - 1, size],
  ["an end past the size", { start: 99_999, end: 1_000_000 }, 99_999, size],
  ["an end of 2^53 - 1", { start: 10, end: Number.MAX_SAFE_INTEGER }, 10, size],
  ["the whole, open", { start: 0, end: undefined }, 0, size],
  ["the whole, closed", { start: 0, end: size }, 0, size],
  ["more than the whole", { start: 0, end: size + 1 }, 0, size],
];

const invalid: readonly ByteRange[] = [
  { start: 5, end: 5 },
  { start: 0, end: 0 },
  { start: 6, end: 5 },
  { start: -1, end: 5 },
  { start: -5, end: undefined },
  { start: 0, end: -1 },
  { start: 0.5, end: 2 },
  { start: Number.NaN, end: undefined },
  { start: 0, end: Number.POSITIVE_INFINITY },
];

/** Ranged reads: what they hold, what they refuse, and that they can be pinned to a version. */
export function rangeCases(suite: BucketSuite): void {
  for (const [title, range, start, end] of satisfiable) {
    suite.test(`range: ${title}`, ["rangeRead"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      const bytes = seededBytes(size);
      await suite.plant(key, bytes);
      const content = await suite.bucket.read(key, { range });
      expect(content).toMatchObject({ size, range: { start, end } });
      expectSameBytes(await bytesOf(content), bytes.subarray(start, end));
      const again = await suite.bucket.read(key, { range });
      expectSameBytes(await streamOf(again), bytes.subarray(start, end));
    });
  }

  suite.test("a range that starts at or past the end", ["rangeRead"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(100));
    for (const start of [100, 101, 1_000_000]) {
      for (const end of [undefined, start + 10]) {
        const reading = suite.bucket.read(key, { range: { start, end } });
        await expectCode(reading, "RANGE_NOT_SATISFIABLE");
      }
    }
  });

  suite.test("ranges of an empty object", ["rangeRead"], async () => {
    const key = `${suite.freshPrefix()}empty`;
    await suite.plant(key, new Uint8Array());
    const whole = await suite.bucket.read(key, { range: { start: 0, end: undefined } });
    expect(whole?.size).toBe(0);
    expect(await bytesOf(whole)).toHaveLength(0);
    for (const range of [
      { start: 0, end: 1 },
      { start: 1, end: undefined },
    ]) {
      await expectCode(suite.bucket.read(key, { range }), "RANGE_NOT_SATISFIABLE");
    }
  });

  suite.test("ranges that are none are refused", ["rangeRead"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(100));
    for (const range of invalid) {
      await expectCode(suite.bucket.read(key, { range }), "INVALID_ARGUMENT");
      await expectCode(suite.bucket.read(`${key}absent`, { range }), "INVALID_ARGUMENT");
    }
  });

  suite.test("a range of an absent object is a miss", ["rangeRead"], async () => {
    const key = `${suite.freshPrefix()}absent`;
    expect(await suite.bucket.read(key, { range: { start: 0, end: 1 } })).toBeUndefined();
    expect(await suite.bucket.read(key, { range: { start: 7, end: undefined } })).toBeUndefined();
  });

  suite.test("ranges put together are the object", ["rangeRead"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(size);
    await suite.plant(key, bytes);
    const first = await suite.bucket.read(key, { range: { start: 0, end: 1 } });
    await disposeOf(first);
    const version = first?.version;
    const parts: Uint8Array[] = [];
    for (let start = 0; start < size; start += 33_333) {
      const range = { start, end: start + 33_333 };
      parts.push(await bytesOf(await suite.bucket.read(key, { range, ifVersion: version })));
    }
    expectSameBytes(Buffer.concat(parts), bytes);
  });

  suite.test("a read pinned to the version of now", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.bucket.put(key, seededBytes(100));
    const ifVersion = (await suite.bucket.head(key))?.version;
    if (ifVersion === undefined) return;
    expectSameBytes(await bytesOf(await suite.bucket.read(key, { ifVersion })), seededBytes(100));
    expect(await suite.bucket.read(`${key}absent`, { ifVersion }).catch(codeOf)).toBeOneOf([
      undefined,
      "PRECONDITION_FAILED",
    ]);
  });

  for (const range of [undefined, { start: 10, end: 20 }]) {
    const title = `a ${range === undefined ? "read" : "range"} pinned to a stale version`;
    suite.test(title, ["write", "rangeRead"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      await suite.bucket.put(key, seededBytes(100, 1));
      const ifVersion = (await suite.bucket.head(key))?.version;
      if (ifVersion === undefined) return;
      await suite.bucket.put(key, seededBytes(100, 2));
      const reading = suite.bucket.read(key, { ifVersion, range });
      if (suite.deviates("ignores-read-preconditions")) {
        const now = seededBytes(100, 2).subarray(range?.start, range?.end);
        expectSameBytes(await bytesOf(await reading), now);
        return;
      }
      await expectCode(reading, "PRECONDITION_FAILED");
    });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
