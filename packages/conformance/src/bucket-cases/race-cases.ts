import { expect } from "vitest";
import { chunked } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { bytesOf, expectSameBytes } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** Writers and readers at once: one winner, and everything whole. */
export function raceCases(suite: BucketSuite): void {
  const { partBytes } = suite.harness;
  const races: [racers: number, size: number][] = [
    [16, 1000],
    [32, 1000],
    [16, 0],
    [8, 200_000],
  ];
  if (partBytes !== undefined) races.push([6, partBytes + 1]);

  for (const [racers, size] of races) {
    const title = `${racers} racing creators of ${size} bytes: one wins, whole`;
    suite.test(title, ["write", "createIfAbsent"], async () => {
      const key = `${suite.freshPrefix()}blob`;
      const other = await suite.harness.reopen();
      // Every body has a length of its own, so that a mixture of two can't look whole.
      const bodies = Array.from({ length: racers }, (_, racer) =>
        seededBytes(size === 0 ? 0 : size + racer, racer + 1),
      );
      const outcomes = await Promise.all(
        bodies.map((bytes, racer) =>
          (racer % 2 === 0 ? suite.bucket : other).put(
            key,
            racer % 3 === 0 ? bytes : chunked(bytes),
            { ifAbsent: true },
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "existed")).toHaveLength(racers - 1);
      await suite.expectStored(key, bodies[outcomes.indexOf("created")]);
    });
  }

  suite.test(
    "16 racing replacers of one version: one wins",
    ["write", "replaceIfMatch"],
    async () => {
      if (suite.deviates("ignores-replace-preconditions")) return;
      const key = `${suite.freshPrefix()}blob`;
      const other = await suite.harness.reopen();
      await suite.bucket.put(key, seededBytes(10));
      const ifVersion = (await suite.bucket.head(key))?.version;
      const bodies = Array.from({ length: 16 }, (_, racer) => seededBytes(1000 + racer, racer));
      const results = await Promise.allSettled(
        bodies.map((bytes, racer) =>
          (racer % 2 === 0 ? suite.bucket : other).put(key, bytes, { ifVersion }),
        ),
      );
      const won = results.flatMap((result, racer) =>
        result.status === "fulfilled" ? [racer] : [],
      );
      expect(won).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason.code).toBe("PRECONDITION_FAILED");
      }
      await suite.expectStored(key, bodies[won[0] ?? -1]);
    },
  );

  suite.test("reads during overwrites give one object or the other, whole", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const versions = [seededBytes(1_000_000, 1), seededBytes(700_007, 2)];
    await suite.bucket.put(key, versions[0] ?? new Uint8Array());
    const state = { writing: true };
    const writer = (async () => {
      for (let turn = 1; turn <= 12; turn += 1) {
        await suite.bucket.put(key, versions[turn % 2] ?? new Uint8Array());
      }
      state.writing = false;
    })();
    const reader = async (): Promise<void> => {
      do {
        const read = await bytesOf(await suite.bucket.read(key));
        const like = versions.find((version) => version.byteLength === read.byteLength);
        expectSameBytes(read, like ?? new Uint8Array());
      } while (state.writing);
    };
    await Promise.all([writer, reader(), reader(), reader()]);
  });

  suite.test("64 puts and 64 reads at once", ["write"], async () => {
    const prefix = suite.freshPrefix();
    const blobs = Array.from({ length: 64 }, (_, at) => seededBytes(20_000 + at, at));
    await Promise.all(
      blobs.map((bytes, at) =>
        suite.bucket.put(`${prefix}${at}`, at % 2 === 0 ? bytes : chunked(bytes)),
      ),
    );
    await Promise.all(
      blobs.map(async (bytes, at) =>
        expectSameBytes(await bytesOf(await suite.bucket.read(`${prefix}${at}`)), bytes),
      ),
    );
  });
}
