import type { BlobSource } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { disposeOf, expectSameBytes, promptly, streamOf } from "../expectations.ts";

/** More than any pool of connections, file handles or spools that a source would have. */
const leaks = 150;
const size = 1024 * 1024;

/** Reads that are not read to their end release what they hold. */
export function blobReleaseCases(suite: BlobSuite<BlobSource>): void {
  for (const bytes of [size, 5 * size]) {
    suite.test(`${leaks} reads of ${bytes} bytes, not read, then one that is`, [], async () => {
      const blob = await suite.planted(bytes);
      for (let turn = 0; turn < leaks; turn += 1) {
        const content = await promptly("an open", suite.source.open(blob.digest));
        if (turn % 2 === 0) await disposeOf(content);
        else await leave(content?.body);
      }
      const content = await promptly("an open", suite.source.open(blob.digest));
      expectSameBytes(await promptly("a read", streamOf(content)), blob.bytes);
    });
  }

  suite.test("100 reads open at once, disposed unread", [], async () => {
    const blob = await suite.planted(size);
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await disposeOf(await promptly("an open", suite.source.open(blob.digest)));
      }),
    );
    await promptly("a read", suite.expectThere(blob));
  });

  suite.test("a read that was disposed, or read, never ends in the middle", [], async () => {
    // All of it, none of it, or an error: what it may not give is a part.
    const blob = await suite.planted(size);
    const read = await suite.source.open(blob.digest);
    expectSameBytes(await streamOf(read), blob.bytes);
    const disposed = await suite.source.open(blob.digest);
    await disposeOf(disposed);
    for (const content of [read, disposed]) {
      const [again] = await Promise.allSettled([promptly("the second read", streamOf(content))]);
      if (again.status === "fulfilled") expect([0, size]).toContain(again.value.byteLength);
      await disposeOf(content);
    }
  });
}

async function leave(body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (body === undefined) return expect.fail("expected a read, got a miss");
  for await (const chunk of body) {
    expect(chunk.byteLength).toBeGreaterThanOrEqual(0);
    return;
  }
}
