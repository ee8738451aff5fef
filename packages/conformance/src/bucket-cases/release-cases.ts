import type { Content } from "@bitstore/core";
import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { bytesOf, disposeOf, expectSameBytes, promptly, streamOf } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** More than any pool of connections or file handles that a driver would have. */
const leaks = 200;
const size = 1024 * 1024;

/** Reads that are not read to their end release what they hold. */
export function releaseCases(suite: BucketSuite): void {
  const stillWorks = async (key: string): Promise<void> => {
    expectSameBytes(await promptly("a read", read(suite, key)), seededBytes(size));
  };

  suite.test(`${leaks} reads disposed unread, then a read works`, [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(size));
    for (let turn = 0; turn < leaks; turn += 1) {
      await disposeOf(await promptly("an open", suite.bucket.read(key)));
    }
    await stillWorks(key);
  });

  suite.test(`${leaks} reads left at their first chunk, then a read works`, [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(size));
    for (let turn = 0; turn < leaks; turn += 1) {
      await leaveEarly(await promptly("an open", suite.bucket.read(key)));
    }
    await stillWorks(key);
  });

  suite.test(`${leaks} reads aborted while open, then a read works`, [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(size));
    for (let turn = 0; turn < leaks; turn += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const content = await promptly("an open", suite.bucket.read(key, { signal }));
      controller.abort();
      await disposeOf(content);
    }
    await stillWorks(key);
  });

  suite.test("100 reads open at once, disposed unread", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(size));
    // Each opens and disposes on its own: a pool smaller than 100 must not hang them.
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await disposeOf(await promptly("an open", suite.bucket.read(key)));
      }),
    );
    await stillWorks(key);
  });

  suite.test("disposing twice, or after the end, is fine", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(1000));
    const content = await suite.bucket.read(key);
    expect(await content?.bytes()).toHaveLength(1000);
    await disposeOf(content);
    await disposeOf(content);
  });

  suite.test("a body read twice or after its dispose never ends in the middle", [], async () => {
    // All of it, none of it, or an error: what it may not give is a part.
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(size);
    await suite.plant(key, bytes);
    const twice = await suite.bucket.read(key);
    expectSameBytes(await streamOf(twice), bytes);
    const disposed = await suite.bucket.read(key);
    await disposeOf(disposed);
    for (const content of [twice, disposed]) {
      const [again] = await Promise.allSettled([promptly("the second read", streamOf(content))]);
      if (again.status === "rejected") continue;
      expect([0, size]).toContain(again.value.byteLength);
    }
  });
}

async function read(suite: BucketSuite, key: string): Promise<Uint8Array> {
  return bytesOf(await suite.bucket.read(key));
}

async function leaveEarly(content: Content | undefined): Promise<void> {
  if (content === undefined) return expect.fail("expected a read, got a miss");
  for await (const chunk of content.body) {
    expect(chunk.byteLength).toBeLessThanOrEqual(size);
    return;
  }
}
