import { type BlobStore, compareKeys, type Digest, digestBytes, parseDigest } from "@bitstore/core";
import { expect } from "vitest";
import type { BlobSuite } from "../blob-suite.ts";
import { all, expectCode } from "../expectations.ts";

/** Lists: everything once, in ascending order, from where one says. */
export function blobListCases(suite: BlobSuite<BlobStore>): void {
  const digests = async (startAfter?: Digest): Promise<Digest[]> =>
    (await all(suite.source.list({ startAfter }))).map(({ digest }) => digest);

  suite.test("an empty store lists nothing", ["list"], async () => {
    const empty = await suite.open();
    expect(await all(empty.list())).toEqual([]);
  });

  suite.test("all that was put is listed once, ascending", ["put", "list"], async () => {
    const planted: { digest: Digest; size: number }[] = [];
    for (const algorithm of suite.source.capabilities.algorithms) {
      for (let count = 0; count < 12; count += 1) {
        const { digest, size } = await suite.planted(100 + count, algorithm);
        planted.push({ digest, size });
      }
    }
    const listed = await all(suite.source.list());
    const found = listed.map(({ digest }) => digest);
    expect(found).toEqual([...found].sort(compareKeys));
    expect(new Set(found).size).toBe(found.length);
    for (const descriptor of planted) expect(listed).toContainEqual(descriptor);
  });

  suite.test("startAfter is exclusive and need not exist", ["put", "list"], async () => {
    for (let count = 0; count < 4; count += 1) await suite.planted(200 + count);
    const found = await digests();
    for (const at of [0, Math.floor(found.length / 2), found.length - 1]) {
      expect(await digests(found[at])).toEqual(found.slice(at + 1));
    }
    const { digest } = await suite.fresh(10);
    expect(await digests(digest)).toEqual(found.filter((each) => compareKeys(each, digest) > 0));
    for (const algorithm of suite.source.capabilities.algorithms) {
      const last = parseDigest(`${algorithm}:${"ff".repeat(digestBytes[algorithm])}`);
      expect(await digests(last)).toEqual(found.filter((each) => compareKeys(each, last) > 0));
    }
  });

  suite.test("a list can be left early, and begun again", ["put", "list"], async () => {
    for (let count = 0; count < 3; count += 1) await suite.planted(300 + count);
    const found = await digests();
    for (let turn = 0; turn < 20; turn += 1) {
      for await (const { digest } of suite.source.list()) {
        expect(digest).toBe(found[0]);
        break;
      }
    }
    expect(await digests()).toEqual(found);
  });

  suite.test("an aborted list is ABORTED", ["list"], async () => {
    await expectCode(all(suite.source.list({ signal: AbortSignal.abort() })), "ABORTED");
  });

  suite.test("what was deleted is not listed", ["put", "delete", "list"], async () => {
    const { digest } = await suite.planted(1000);
    expect(await digests()).toContain(digest);
    await suite.source.delete(digest);
    expect(await digests()).not.toContain(digest);
  });
}
