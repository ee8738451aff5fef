import { describe, expect, test } from "vitest";
import { partPlan, partsAtOnce } from "../src/part-plan.ts";

// How an object is cut into parts: S3's limits hold for every size up to the largest object.

const mebibyte = 1024 * 1024;
const objectBytesMax = 5 * 1024 ** 4;
const partBytesMax = 5 * 1024 * mebibyte;

describe("of a known size", () => {
  for (const size of [1, 8 * mebibyte, 80_000 * mebibyte, 80_000 * mebibyte + 1, objectBytesMax]) {
    test(`${size} bytes`, () => {
      const bytes = partPlan(8 * mebibyte, size).bytesOf(1);
      expect(partPlan(8 * mebibyte, size).bytesOf(10_000)).toBe(bytes);
      expect(bytes).toBeGreaterThanOrEqual(8 * mebibyte);
      expect(bytes).toBeLessThanOrEqual(partBytesMax);
      expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(10_000);
    });
  }

  test("parts are no longer than they have to be", () => {
    expect(partPlan(8 * mebibyte, 80_000 * mebibyte).bytesOf(1)).toBe(8 * mebibyte);
    expect(partPlan(8 * mebibyte, 80_000 * mebibyte + 1).bytesOf(1)).toBe(9 * mebibyte);
  });
});

describe("of an unknown size", () => {
  const sum = (partBytes: number): number => {
    const plan = partPlan(partBytes, undefined);
    return Array.from({ length: 10_000 }, (_, at) => plan.bytesOf(at + 1)).reduce((a, b) => a + b);
  };

  test("parts grow: the largest object fits, and none is longer than S3 takes", () => {
    const plan = partPlan(8 * mebibyte, undefined);
    expect([1, 1000, 1001, 2001].map((number) => plan.bytesOf(number) / mebibyte)).toEqual([
      8, 8, 16, 32,
    ]);
    expect(sum(8 * mebibyte)).toBeGreaterThanOrEqual(objectBytesMax);
    expect(plan.bytesOf(10_000)).toBeLessThanOrEqual(partBytesMax);
    expect(partPlan(100 * mebibyte, undefined).bytesOf(10_000)).toBe(partBytesMax);
  });

  test("the smallest parts still hold nearly 5 TiB", () => {
    expect(sum(5 * mebibyte)).toBeGreaterThan(4.8 * 1024 ** 4);
  });
});

test("the longer the parts, the fewer at once, and one at least", () => {
  expect(partsAtOnce(4, 8 * mebibyte)).toBe(4);
  expect(partsAtOnce(4, 128 * mebibyte)).toBe(2);
  expect(partsAtOnce(4, 4096 * mebibyte)).toBe(1);
});
