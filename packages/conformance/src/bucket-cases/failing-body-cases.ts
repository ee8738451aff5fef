import { expect } from "vitest";
import { observedBody } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { all, expectCode, promptly, rejectionOf } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** A body that fails or lies about its size leaves nothing behind, and what was there stays. */
export function failingBodyCases(suite: BucketSuite): void {
  const { partBytes } = suite.harness;
  const lengths: ReadonlyMap<string, number> = new Map([
    ["before its first byte", 0],
    ["in the middle", 100_000],
    ...(partBytes === undefined
      ? []
      : ([
          ["at the end of a part", partBytes],
          ["after a part", partBytes + 70_000],
          ["after several parts", 3 * partBytes + 1],
        ] as const)),
  ]);

  for (const [when, length] of lengths) {
    for (const declared of ["undeclared", "greater", "exact"] as const) {
      const title = `a body that throws ${when}, size ${declared}: its own error, nothing stored`;
      suite.test(title, ["write"], async () => {
        const prefix = suite.freshPrefix();
        const own = new Error("the body's own");
        const body = observedBody({ bytes: seededBytes(length), ending: { error: own } });
        // With the exact size every byte was given before it threw: it has failed all the same.
        const size = { undeclared: undefined, greater: length + 1000, exact: length }[declared];
        const putting = suite.bucket.put(`${prefix}blob`, body.body, { size });
        expect(await promptly("put", rejectionOf(putting))).toBe(own);
        await suite.expectStored(`${prefix}blob`, undefined);
        if (suite.bucket.capabilities.list) {
          expect(await all(suite.bucket.list(prefix))).toEqual([]);
        }
        expect(body.opened).toBe(1);
      });
    }

    suite.test(`a body that throws ${when} leaves the old object`, ["write"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      const old = seededBytes(5000, 9);
      await suite.bucket.put(key, old);
      const own = new Error("the body's own");
      const body = observedBody({ bytes: seededBytes(length), ending: { error: own } });
      expect(await promptly("put", rejectionOf(suite.bucket.put(key, body.body)))).toBe(own);
      await suite.expectStored(key, old);
    });
  }

  suite.test("what a body throws may be anything", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const body = observedBody({ bytes: seededBytes(10), ending: { error: "a string" } });
    expect(await promptly("put", rejectionOf(suite.bucket.put(key, body.body)))).toBe("a string");
    await suite.expectStored(key, undefined);
  });

  suite.test("a factory that throws: its own error", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const own = new Error("the factory's own");
    const putting = suite.bucket.put(key, () => {
      throw own;
    });
    expect(await promptly("put", rejectionOf(putting))).toBe(own);
    await suite.expectStored(key, undefined);
  });

  const bodySizes = [0, 1, 100_000, ...(partBytes === undefined ? [] : [partBytes, partBytes + 1])];
  for (const size of bodySizes) {
    for (const off of [-1, 1, 100_000]) {
      if (size + off < 0) continue;
      suite.test(`${size} bytes declared as ${size + off}: refused`, ["write"], async () => {
        const key = `${suite.freshPrefix()}blob`;
        const asArray = suite.bucket.put(key, seededBytes(size), { size: size + off });
        await promptly("put of an array", expectCode(asArray, "INVALID_ARGUMENT"));
        const body = observedBody({ bytes: seededBytes(size), chunkBytes: 9999 });
        const asStream = suite.bucket.put(key, body.body, { size: size + off });
        await promptly("put of a stream", expectCode(asStream, "INVALID_ARGUMENT"));
        await suite.expectStored(key, undefined);
      });
    }
  }

  suite.test("a wrong size leaves the old object", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.bucket.put(key, seededBytes(50, 2));
    for (const size of [0, 99, 101]) {
      await expectCode(suite.bucket.put(key, seededBytes(100), { size }), "INVALID_ARGUMENT");
    }
    await suite.expectStored(key, seededBytes(50, 2));
  });

  suite.test("sizes that are no sizes are refused", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    for (const size of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await expectCode(suite.bucket.put(key, seededBytes(1), { size }), "INVALID_ARGUMENT");
    }
    await suite.expectStored(key, undefined);
  });

  suite.test("a declared size above the service's limit is refused", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const size = suite.bucket.capabilities.objectBytesMax + 1;
    if (!Number.isSafeInteger(size)) return;
    const putting = suite.bucket.put(key, seededBytes(10), { size });
    await expectCode(putting, "TOO_LARGE", "INVALID_ARGUMENT");
    await suite.expectStored(key, undefined);
  });

  suite.test("after a failed put the same key can be put", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const own = new Error("the body's own");
    const failing = observedBody({ bytes: seededBytes(200_000), ending: { error: own } });
    expect(await rejectionOf(suite.bucket.put(key, failing.body))).toBe(own);
    await suite.bucket.put(key, seededBytes(200_000, 3));
    await suite.expectStored(key, seededBytes(200_000, 3));
  });
}
