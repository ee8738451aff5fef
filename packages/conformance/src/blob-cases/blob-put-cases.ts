import { type BlobStore, algorithms, digestOf } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { verifyFirstBytes } from "../blobs-around-limits.ts";
import { chunked } from "../bodies.ts";
import { bytesOf, expectSameBytes } from "../expectations.ts";
import { sizesAround } from "../sizes-around.ts";

/** Puts: with a digest, without one, twice, and at once. */
export function blobPutCases(suite: BlobSuite<BlobStore>): void {
  const sizes = sizesAround(verifyFirstBytes, ...(suite.harness.sizesAround ?? []));
  for (const size of sizes) {
    suite.test(`put of ${size} bytes by their digest`, ["put"], async () => {
      const asArray = await suite.fresh(size);
      const { digest } = asArray;
      const put = await suite.source.put(asArray.bytes, { digest, size });
      expect(put).toMatchObject({ digest, size });
      await suite.expectThere(asArray);
      const asStream = await suite.fresh(size);
      const second = await suite.source.put(chunked(asStream.bytes), { digest: asStream.digest });
      expect(second).toMatchObject({ digest: asStream.digest, size });
      await suite.expectThere(asStream);
    });

    suite.test(`put of ${size} bytes of unknown digest`, ["put"], async () => {
      const algorithm = suite.algorithm();
      for (const asArray of [true, false]) {
        const blob = await suite.fresh(size);
        const body = asArray ? blob.bytes : chunked(blob.bytes);
        const put = await suite.source.put(body, { algorithm });
        expect(put).toMatchObject({ digest: blob.digest, size });
        await suite.expectThere(blob);
      }
    });
  }

  for (const algorithm of algorithms) {
    suite.test(`put names a blob by ${algorithm}, where it is held`, ["put"], async () => {
      if (!suite.source.capabilities.algorithms.includes(algorithm)) return;
      for (const size of [0, 70_000, verifyFirstBytes + 1]) {
        const blob = await suite.fresh(size, algorithm);
        const put = await suite.source.put(chunked(blob.bytes), { algorithm });
        expect(put).toMatchObject({ digest: blob.digest, size });
        await suite.expectThere(blob);
        const again = await suite.source.put(blob.bytes, { digest: blob.digest });
        expect(again.outcome).toBe("existed");
      }
    });
  }

  suite.test("put names a blob by sha256 where nothing is said", ["put"], async () => {
    if (!suite.source.capabilities.algorithms.includes("sha256")) return;
    const { bytes } = await suite.fresh(5000);
    const put = await suite.source.put(bytes);
    expect(put.digest).toBe(await digestOf(bytes, "sha256"));
  });

  for (const size of [1, 70_000, verifyFirstBytes + 1]) {
    suite.test(
      `the second put of ${size} bytes existed, and rewrites nothing`,
      ["put"],
      async () => {
        const { digest, bytes } = await suite.fresh(size);
        expect((await suite.source.put(bytes, { digest })).outcome).toBe("created");
        const before = await suite.source.open(digest);
        expectSameBytes(await bytesOf(before), bytes);
        const puts = [
          await suite.source.put(bytes, { digest }),
          await suite.source.put(chunked(bytes), { digest, size }),
          await suite.source.put(chunked(bytes), { algorithm: suite.algorithm() }),
        ];
        for (const put of puts) expect(put).toEqual({ digest, size, outcome: "existed" });
        const after = await suite.source.open(digest);
        expectSameBytes(await bytesOf(after), bytes);
        // A composite may answer from its cache the second time, which has versions of its own.
        if (suite.harness.hasCopies !== true && after?.source === before?.source) {
          expect(after?.version).toBe(before?.version);
        }
      },
    );
  }

  suite.test("16 puts of one blob at once: it is there, whole", ["put"], async () => {
    const blob = await suite.fresh(200_000);
    const { digest } = blob;
    const other = await suite.reopen();
    const puts = await Promise.all(
      Array.from({ length: 16 }, (_, at) =>
        (at % 2 === 0 ? suite.source : other).put(
          at % 3 === 0 ? blob.bytes : chunked(blob.bytes),
          at % 4 === 0 ? { algorithm: suite.algorithm() } : { digest },
        ),
      ),
    );
    for (const put of puts) expect(put).toMatchObject({ digest, size: blob.size });
    expect(puts.map(({ outcome }) => outcome)).toContain("created");
    await suite.expectThere(blob);
  });

  suite.test("what one handle puts the other has", ["put"], async () => {
    const other = await suite.reopen();
    const blob = await suite.fresh(1000);
    await other.put(blob.bytes, { digest: blob.digest });
    await suite.expectThere(blob);
    const again = await suite.source.put(blob.bytes, { algorithm: suite.algorithm() });
    expect(again).toEqual({ digest: blob.digest, size: blob.size, outcome: "existed" });
  });

  suite.test("the caller's array is not kept", ["put"], async () => {
    const blob = await suite.fresh(1000);
    const bytes = blob.bytes.slice();
    await suite.source.put(bytes, { digest: blob.digest });
    bytes.fill(0);
    await suite.expectThere(blob);
  });
}
