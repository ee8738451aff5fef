import { expect } from "vitest";
import { observedBody } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { all, expectCode } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** Where a capability is false the operation says UNSUPPORTED, and does nothing. */
export function unsupportedCases(suite: BucketSuite): void {
  suite.test("capabilities are what the operations do", [], async () => {
    const { bucket } = suite;
    const key = `${suite.freshPrefix()}blob`;
    const body = observedBody({ bytes: seededBytes(10) });
    const can = bucket.capabilities;
    if (!can.write) await expectCode(bucket.put(key, body.body), "UNSUPPORTED");
    if (!can.createIfAbsent) {
      await expectCode(bucket.put(key, body.body, { ifAbsent: true }), "UNSUPPORTED");
    }
    if (!can.replaceIfMatch) {
      await expectCode(bucket.put(key, body.body, { ifVersion: "v" }), "UNSUPPORTED");
    }
    expect(body.opened, "the body was not opened").toBe(0);
    if (!can.delete) await expectCode(bucket.delete(key), "UNSUPPORTED");
    if (!can.list) {
      await expectCode(all(bucket.list("")), "UNSUPPORTED");
      await expectCode(all(bucket.listPrefixes("")), "UNSUPPORTED");
    }
    if (!can.rangeRead) {
      await suite.plant(key, seededBytes(10));
      const range = { start: 1, end: 2 };
      await expectCode(bucket.read(key, { range }), "UNSUPPORTED");
    }
  });

  suite.test("limits are numbers of bytes", [], () => {
    const { keyBytesMax, objectBytesMax } = suite.bucket.capabilities;
    expect(keyBytesMax).toBeGreaterThanOrEqual(200);
    expect(objectBytesMax).toBeGreaterThanOrEqual(1024 * 1024);
    return Promise.resolve();
  });

  suite.test("the name is for messages and holds no secret", [], () => {
    expect(suite.bucket.name).toMatch(/^[a-z0-9+]+:/);
    expect(suite.bucket.name).not.toMatch(/@|secret|password|sig=/i);
    return Promise.resolve();
  });
}
