import { expect } from "vitest";
import { chunked, observedBody, oddChunkSizes } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { bytesOf, disposeOf, expectSameBytes, streamOf } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";
import { sizesAround } from "../sizes-around.ts";

/** Bytes come back as they were put, at the sizes where drivers have been wrong. */
export function roundTripCases(suite: BucketSuite): void {
  const { partBytes } = suite.harness;
  const sizes = sizesAround(partBytes, partBytes === undefined ? undefined : 2 * partBytes);

  for (const size of sizes) {
    const bytes = (): Uint8Array => seededBytes(size, size + 1);

    suite.test(`round trip of ${size} bytes in memory`, ["write"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      expect(await suite.bucket.put(key, bytes(), { size })).toBe("replaced");
      await suite.expectStored(key, bytes());
    });

    suite.test(`round trip of ${size} bytes in odd chunks`, ["write"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      await suite.bucket.put(key, chunked(bytes(), oddChunkSizes), { size });
      await suite.expectStored(key, bytes());
    });

    suite.test(`round trip of ${size} bytes of undeclared size`, ["write"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      const body = observedBody({ bytes: bytes(), chunkBytes: 70_001 });
      await suite.bucket.put(key, body.body);
      await suite.expectStored(key, bytes());
      expect(body.opened, "the body is opened once").toBe(1);
      expect(body.closed, "the body is closed").toBe(1);
    });
  }

  suite.test("a read can be iterated chunk by chunk", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(300_000);
    await suite.plant(key, bytes);
    expectSameBytes(await streamOf(await suite.bucket.read(key)), bytes);
  });

  suite.test("a read and head say the same of an object", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(1000));
    const info = await suite.bucket.head(key);
    const content = await suite.bucket.read(key);
    await disposeOf(content);
    expect(info).toMatchObject({ key, size: 1000, archived: false });
    expect(content).toMatchObject({ size: 1000, range: { start: 0, end: 1000 } });
    // A layer may name what is inside it, whose name its own begins with.
    expect(suite.bucket.name.startsWith(content?.source ?? "?")).toBe(true);
    expect(content?.role).toBe("source");
    expect(content?.version).toBe(info?.version);
    if (info?.modifiedAt !== undefined) {
      expect(Math.abs(info.modifiedAt.getTime() - Date.now())).toBeLessThan(3_600_000);
    }
  });

  suite.test("md5 is of the stored bytes, where there is one", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(1000);
    await suite.plant(key, bytes);
    const info = await suite.bucket.head(key);
    const { createHash } = await import("node:crypto");
    const md5 = createHash("md5").update(bytes).digest("hex");
    expect([undefined, md5]).toContain(info?.md5);
  });

  suite.test("an overwrite is visible at once, to every handle", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const other = await suite.harness.reopen();
    for (let turn = 1; turn <= 5; turn += 1) {
      const bytes = seededBytes(turn * 1000, turn);
      expect(await suite.bucket.put(key, bytes)).toBe("replaced");
      await suite.expectStored(key, bytes);
      expectSameBytes(await bytesOf(await other.read(key)), bytes);
      expect((await other.head(key))?.size).toBe(bytes.byteLength);
    }
  });

  suite.test("an overwrite changes the version", ["write", "replaceIfMatch"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const versions = new Set<string | undefined>();
    for (const seed of [1, 2, 3]) {
      await suite.bucket.put(key, seededBytes(100, seed));
      versions.add((await suite.bucket.head(key))?.version);
    }
    expect(versions.size).toBe(3);
    expect(versions).not.toContain(undefined);
  });

  suite.test("a content type is taken", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.bucket.put(key, seededBytes(10), { contentType: "application/json" });
    await suite.expectStored(key, seededBytes(10));
  });

  suite.test("bytes that look compressed are stored and read raw", ["write"], async () => {
    const { gzipSync } = await import("node:zlib");
    const key = `${suite.freshPrefix()}blob.gz`;
    const bytes = gzipSync(seededBytes(5000));
    await suite.bucket.put(key, bytes, { contentType: "application/gzip" });
    await suite.expectStored(key, bytes);
  });

  suite.test("the caller's array is not kept", ["write"], async () => {
    // A put may read the array until it has resolved, and not after.
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(1000);
    await suite.bucket.put(key, bytes);
    bytes.fill(0);
    await suite.expectStored(key, seededBytes(1000));
  });
}
