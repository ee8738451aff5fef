import { isStoreError } from "@bitstore/core";
import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { all, expectCode, expectSameBytes, rejectionOf } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";
import { pathLikeKeys, refusedKeys, weirdKeys } from "../weird-keys.ts";

/** Keys: what is taken comes back as it was, what is refused touches nothing. */
export function keyCases(suite: BucketSuite): void {
  suite.test("weird keys round trip, each for itself", ["write"], async () => {
    const prefix = suite.freshPrefix();
    const refused = suite.harness.keysRefused ?? [];
    for (const [at, key] of weirdKeys.entries()) {
      const putting = suite.bucket.put(prefix + key, seededBytes(100 + at, at));
      if (refused.includes(key)) await expectStoreError(putting, key);
      else expect(await putting, key).toBe("replaced");
    }
    // All are there before the first is read, so that two keys that became one are seen.
    for (const [at, key] of weirdKeys.entries()) {
      if (!refused.includes(key)) {
        await suite.expectStored(prefix + key, seededBytes(100 + at, at));
      }
    }
    if (!suite.bucket.capabilities.delete) return;
    for (const key of weirdKeys) {
      if (!refused.includes(key)) expect(await suite.bucket.delete(prefix + key), key).toBe(true);
    }
    if (suite.bucket.capabilities.list) expect(await all(suite.bucket.list(prefix))).toEqual([]);
  });

  for (const key of pathLikeKeys) {
    const title = `the key ${JSON.stringify(key)} is refused or kept, and never becomes another`;
    suite.test(title, ["write"], async () => {
      const prefix = suite.freshPrefix();
      const others = [`${prefix}b`, `${prefix}x/b`, `${prefix}x/a/c`];
      for (const other of others) await suite.bucket.put(other, seededBytes(10, 1));
      const odd = `${prefix}x/${key}`;
      const [put] = await Promise.allSettled([suite.bucket.put(odd, seededBytes(20, 2))]);
      if (put.status === "rejected") expectStoreErrorValue(put.reason, key);
      else await suite.expectStored(odd, seededBytes(20, 2));
      for (const other of others) await suite.expectStored(other, seededBytes(10, 1));
      const expected = [...others, ...(put.status === "fulfilled" ? [odd] : [])];
      if (suite.bucket.capabilities.list) {
        const listed = (await all(suite.bucket.list(prefix))).map((info) => info.key);
        expect(listed.toSorted()).toEqual(expected.toSorted());
      }
      if (put.status === "rejected") await expectNoObject(suite, odd);
    });
  }

  suite.test("keys that no service takes are refused everywhere", [], async () => {
    const { bucket } = suite;
    for (const key of refusedKeys) {
      await expectCode(bucket.head(key), "INVALID_ARGUMENT");
      await expectCode(bucket.read(key), "INVALID_ARGUMENT");
      if (bucket.capabilities.write) {
        await expectCode(bucket.put(key, seededBytes(1)), "INVALID_ARGUMENT");
      }
      if (bucket.capabilities.delete) {
        await expectCode(bucket.delete(key), "INVALID_ARGUMENT");
      }
    }
  });

  for (const fill of ["x", "é", "\u{1f600}"]) {
    suite.test(`the longest key of ${fill} is taken, a longer one refused`, ["write"], async () => {
      const longest = keyOfBytes(suite, fill, suite.bucket.capabilities.keyBytesMax);
      await suite.bucket.put(longest, seededBytes(10));
      await suite.expectStored(longest, seededBytes(10));
      await expectCode(suite.bucket.put(`${longest}y`, seededBytes(1)), "INVALID_ARGUMENT");
      await expectCode(suite.bucket.head(`${longest}y`), "INVALID_ARGUMENT");
      if (!suite.bucket.capabilities.list) return;
      const prefix = longest.slice(0, longest.indexOf("/") + 1);
      expect((await all(suite.bucket.list(prefix))).map(({ key }) => key)).toEqual([longest]);
    });
  }

  suite.test("long segments are kept apart", ["write"], async () => {
    const prefix = suite.freshPrefix();
    for (const length of [200, 201, 255, 256, 400]) {
      const keys = ["a", "b"].map((end) => prefix + "l".repeat(length - 1) + end);
      if (length > 255 && suite.deviates("long-segments-refused")) {
        await expectStoreError(suite.bucket.put(keys[0] ?? "", seededBytes(1)), `${length}`);
        continue;
      }
      for (const [at, key] of keys.entries()) await suite.bucket.put(key, seededBytes(length, at));
      for (const [at, key] of keys.entries()) {
        await suite.expectStored(key, seededBytes(length, at));
      }
    }
  });

  suite.test("keys that differ in case only are two", ["write"], async () => {
    const prefix = suite.freshPrefix();
    await suite.bucket.put(`${prefix}Blob`, seededBytes(10, 1));
    await suite.expectStored(`${prefix}blob`, undefined);
    await suite.bucket.put(`${prefix}blob`, seededBytes(10, 2));
    await suite.bucket.put(`${prefix}Dir/x`, seededBytes(10, 3));
    await suite.expectStored(`${prefix}dir/x`, undefined);
    await suite.expectStored(`${prefix}Blob`, seededBytes(10, 1));
    await suite.expectStored(`${prefix}blob`, seededBytes(10, 2));
  });

  for (const order of ["short first", "long first"]) {
    suite.test(`a key under another key, the ${order}`, ["write"], async () => {
      const prefix = suite.freshPrefix();
      const keys = [`${prefix}a`, `${prefix}a/b`, `${prefix}a/b/c`];
      if (order === "long first") keys.reverse();
      const stored = new Map<string, Uint8Array>();
      for (const [at, key] of keys.entries()) {
        const bytes = seededBytes(100 + at, at);
        const putting = suite.bucket.put(key, bytes);
        if (at > 0 && suite.deviates("key-under-key-refused")) await expectStoreError(putting, key);
        else {
          await putting;
          stored.set(key, bytes);
        }
      }
      for (const key of keys) await suite.expectStored(key, stored.get(key));
      if (!suite.bucket.capabilities.list) return;
      const listed = (await all(suite.bucket.list(prefix))).map(({ key }) => key);
      if (suite.deviates("key-under-key-unlisted")) {
        expect(listed).toEqual([`${prefix}a`]);
        return;
      }
      expect(listed).toEqual([...stored.keys()].toSorted());
      if (!suite.bucket.capabilities.delete || stored.size < 3) return;
      expect(await suite.bucket.delete(`${prefix}a`)).toBe(true);
      await suite.expectStored(`${prefix}a`, undefined);
      await suite.expectStored(`${prefix}a/b`, stored.get(`${prefix}a/b`));
      await suite.expectStored(`${prefix}a/b/c`, stored.get(`${prefix}a/b/c`));
    });
  }
}

async function expectNoObject(suite: BucketSuite, key: string): Promise<void> {
  try {
    expect(await suite.bucket.head(key)).toBeUndefined();
    const content = await suite.bucket.read(key);
    expectSameBytes((await content?.bytes()) ?? new Uint8Array(), new Uint8Array());
    expect(content).toBeUndefined();
  } catch (error) {
    expectStoreErrorValue(error, key);
  }
}

async function expectStoreError(promise: Promise<unknown>, hint: string): Promise<void> {
  expectStoreErrorValue(await rejectionOf(promise), hint);
}

/** A refusal may be the driver's (INVALID_ARGUMENT, UNSUPPORTED) or the service's own. */
function expectStoreErrorValue(error: unknown, hint: string): void {
  if (!isStoreError(error)) throw error;
  const refusals = ["INVALID_ARGUMENT", "UNSUPPORTED"];
  expect(refusals, `${JSON.stringify(hint)}: ${error.message}`).toContain(error.code);
}

/** Makes a key of so many UTF-8 bytes, in segments that every service takes. */
function keyOfBytes(suite: BucketSuite, fill: string, bytes: number): string {
  const width = Buffer.byteLength(fill);
  let key = suite.freshPrefix();
  let segment = 0;
  let left = bytes - Buffer.byteLength(key);
  while (left > 0) {
    const piece = left < width ? "z" : segment + width > 180 && left > width ? "/" : fill;
    segment = piece === "/" ? 0 : segment + Buffer.byteLength(piece);
    key += piece;
    left -= Buffer.byteLength(piece);
  }
  return key;
}
