import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fsBucket } from "@bitstore/bucket-fs";
import { faultyBucket } from "@bitstore/conformance";
import type { ErrorCode } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { bucketServices } from "./buckets-of-services.ts";
import { expectAllOnce } from "./expect-all-once.ts";
import { digestFor, nonceFor, raceOn, writerOn } from "./race-writers.ts";

// 32 writers append to 50 tags each, all at once, each with a bucket and a memory of its own, on
// every service. Then a fresh handle reads that each tag has an entry of each writer, once, in an
// unbroken chain. On a directory the writers are in several processes.

const writers = 32;
const tags = 50;
const all = Array.from({ length: writers }, (_, writer) => writer);

for (const { name, isThere, make } of bucketServices) {
  describe.skipIf(!isThere)(`on ${name}`, () => {
    it(`${writers} writers of ${tags} tags: every entry once`, { timeout: 400_000 }, async () => {
      const made = await make();
      const reader = await made.open();
      await raceOn(made.open, all, tags);
      await expectAllOnce(reader, writers, tags);
      await reader[Symbol.asyncDispose]();
      await made.dispose();
    });

    it("answers that are lost give no conflict and no second entry", async () => {
      const made = await make();
      const bucket = await made.open();
      // The description of the metadata comes first, and is not what is tested here.
      await writerOn(bucket).append("first", digestFor(0, 0));
      let lost = 0;
      for (const [turn, code] of lostAs.entries()) {
        const every = 1 + (turn % 3);
        const faulty = faultyBucket(bucket, ({ operation, subject, turn: put }) => {
          if (operation !== "put" || !subject.includes("/t/") || put % every !== 0)
            return undefined;
          lost += 1;
          return { failAfter: code };
        });
        const tag = `lost/${code}-${turn}`;
        // Two that write at once, so that a lost answer and a lost race come together.
        const logs = [writerOn(faulty), writerOn(faulty)];
        for (let step = 0; step < 6; step += 1) {
          const entries = await Promise.all(
            logs.map((log, n) =>
              log.append(tag, digestFor(n, step), { nonce: nonceFor(n, step), base: 0 }),
            ),
          );
          const seqs = entries.map(({ seq }) => seq).toSorted((a, b) => a - b);
          expect(seqs).toEqual([2 * step + 1, 2 * step + 2]);
        }
        const [log = writerOn(bucket)] = logs;
        // A compare-and-set whose answer is lost does not conflict with itself.
        expect((await log.append(tag, digestFor(9, 9), { expect: 12 })).seq).toBe(13);
        expect((await log.remove(tag, { expect: 13 })).seq).toBe(14);
        const created = `${tag}-new`;
        const set = await log.append(created, digestFor(9, 9), { expect: "absent" });
        expect(set.seq).toBe(1);
        const fresh = writerOn(bucket);
        expect(await fresh.verify(tag)).toMatchObject({ seq: 14, problems: [] });
        expect(await fresh.verify(created)).toMatchObject({ seq: 1, problems: [] });
      }
      expect(lost).toBeGreaterThan(lostAs.length * 5);
      await bucket[Symbol.asyncDispose]();
      await made.dispose();
    });
  });
}

/** What a caller is told of a put that has happened. */
const lostAs: readonly ErrorCode[] = [
  "UNAVAILABLE",
  "TIMEOUT",
  "RATE_LIMITED",
  "INTERNAL",
  "PRECONDITION_FAILED",
  "UNAVAILABLE",
];

describe("in four processes on one directory", () => {
  it(`${writers} writers of ${tags} tags: every entry once`, { timeout: 400_000 }, async () => {
    const root = await mkdtemp(join(tmpdir(), "bitstore-tags-"));
    const script = fileURLToPath(new URL("./children/race-tags.ts", import.meta.url));
    const perChild = writers / 4;
    const children = [0, 1, 2, 3].map((child) => {
      const args = [root, child * perChild, perChild, tags].map(String);
      const command = ["--conditions=@bitstore/source", script, ...args];
      return spawn(process.execPath, command, { stdio: ["ignore", "ignore", "inherit"] });
    });
    const codes = await Promise.all(children.map(async (child) => (await once(child, "close"))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    const bucket = await fsBucket({ root });
    await expectAllOnce(bucket, writers, tags);
    await bucket[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });
});
