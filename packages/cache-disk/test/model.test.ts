import { appendFile, rm, truncate, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, type Digest, isStoreError } from "@bitstore/core";
import type { DiskCache } from "@bitstore/cache-disk";
import {
  blob,
  blobPath,
  bytesOf,
  type CacheDirectory,
  cacheDirectory,
  digestsOf,
} from "./cache-directory.ts";
import { block, bytesIn, charged } from "./disk-walk.ts";

/** Blobs of the model: sizes around a block, and two that go to the file in several writes. */
const sizes = [0, 1, 100, block - 1, block, block + 1, 3 * block, 5000, 20_000, 60_000, 90_000, 7];
const bytesMax = 40 * block;

interface Model {
  /** What may be there: put, and not deleted since. A cache may lose any of it but the last put. */
  readonly possible: Set<number>;
  /** Somebody changed files behind the cache's back since it last looked through them. */
  touched: boolean;
}

interface Real {
  cache: DiskCache;
  readonly directory: CacheDirectory;
  readonly digests: readonly Digest[];
}

type Step = (model: Model, real: Real) => Promise<void>;

const number = fc.nat(sizes.length - 1);

function bytesOfBlob(n: number): Uint8Array {
  return blob(n, sizes[n] ?? 0);
}

const steps: Readonly<Record<string, (n: number, m: number) => Step>> = {
  put:
    (n, m) =>
    async (model, { cache, digests }) => {
      const bytes = bytesOfBlob(n);
      const stream = async function* () {
        for (let at = 0; at < bytes.byteLength; at += 1 + m * 3000)
          yield bytes.subarray(at, at + 1 + m * 3000);
      };
      const known = m % 2 === 0 ? { digest: digests[n] } : {};
      expect(await cache.put(m % 3 === 0 ? bytes : stream, known)).toMatchObject({
        digest: digests[n],
      });
      model.possible.add(n);
      // The last put is there, whatever had to go for it, and right even where its file was rotten.
      expect(await bytesOf(await cache.open(digests[n] as Digest))).toEqual(Buffer.from(bytes));
    },
  putWrong:
    (n, m) =>
    async (_, { cache, digests }) => {
      if (n === m) return;
      const wrong = cache.put(bytesOfBlob(m), { digest: digests[n] });
      await expect(wrong).rejects.toSatisfy((error) => isStoreError(error, "DIGEST_MISMATCH"));
    },
  open:
    (n) =>
    async (model, { cache, digests }) => {
      const digest = digests[n] as Digest;
      const bytes = await bytesOf(await cache.open(digest));
      if (bytes === undefined) return;
      expect(model.possible).toContain(n);
      if (Buffer.compare(bytes, bytesOfBlob(n)) === 0) return;
      // Rot of the same size is seen by whoever verifies, and quarantined by it.
      expect(model.touched).toBe(true);
      expect(await cache.quarantine(digest)).toBe(true);
      model.possible.delete(n);
    },
  openRange:
    (n, m) =>
    async (_, { cache, digests }) => {
      const size = sizes[n] ?? 0;
      if (size < 2) return;
      const range = { start: (m * 31) % (size - 1), end: size + m };
      const content = await cache.open(digests[n] as Digest, { range });
      if (content !== undefined) expect(await bytesOf(content)).toHaveLength(size - range.start);
    },
  stat:
    (n) =>
    async (model, { cache, digests }) => {
      const found = await cache.stat(digests[n] as Digest);
      if (found === undefined) return;
      expect(found.size).toBe(sizes[n]);
      expect(model.possible).toContain(n);
    },
  delete:
    (n) =>
    async (model, { cache, digests }) => {
      const digest = digests[n] as Digest;
      const was = await cache.stat(digest);
      const deleted = await cache.delete(digest);
      if (!model.touched) expect(deleted).toBe(was !== undefined);
      model.possible.delete(n);
      expect(await cache.open(digest)).toBeUndefined();
    },
  prune:
    (n) =>
    async (_, { cache, directory }) => {
      await cache.prune({ bytesMax: n * 4 * block });
      expect((await cache.stats()).bytes).toBeLessThanOrEqual(n * 4 * block);
      void directory;
    },
  reopen: () => async (_, real) => {
    await real.cache[Symbol.asyncDispose]();
    real.cache = await real.directory.open({ bytesMax, entryBytesMax: bytesMax });
  },
  loseIndex: (n) => async (_, real) => {
    await real.cache[Symbol.asyncDispose]();
    const index = `${real.directory.path}/index.sqlite`;
    if (n % 2 === 0) await rm(index);
    else await writeFile(index, "this is no index at all");
    real.cache = await real.directory.open({ bytesMax, entryBytesMax: bytesMax });
  },
  removeFile:
    (n) =>
    async (model, { directory, digests }) => {
      await rm(blobPath(directory.path, digests[n] as Digest), { force: true });
      model.touched = true;
    },
  changeFile:
    (n, m) =>
    async (model, { directory, digests }) => {
      const path = blobPath(directory.path, digests[n] as Digest);
      const missing = await truncate(path, m % 3 === 0 ? 3 : sizes[n]).then(
        () => false,
        () => true,
      );
      if (missing) return;
      if (m % 3 === 1) await appendFile(path, "x");
      if (m % 3 === 2) await writeFile(path, Buffer.alloc(sizes[n] ?? 0, 7));
      model.touched = true;
    },
};

/** What holds after every step: the budget, and that the index's count is what the walk counts. */
async function check(model: Model, { cache, directory, digests }: Real): Promise<void> {
  if (model.touched) {
    await cache.reindex();
    // Rot of the right size stays until somebody verifies; what else was done is settled now.
    for (const n of model.possible)
      await steps["open"]?.(n, 0)(model, { cache, directory, digests });
    model.touched = false;
  }
  const { bytes, entries, blobBytes, heldBytes, quarantinedBytes } = await cache.stats();
  expect(bytes).toBe(bytesIn(directory.path));
  expect(bytes).toBeLessThanOrEqual(bytesMax);
  expect(heldBytes).toBe(0);
  const listed = await digestsOf(cache);
  const numbers = listed.map((digest) => digests.indexOf(digest));
  expect(listed).toEqual([...listed].sort());
  expect(entries).toBe(listed.length);
  expect(blobBytes).toBe(numbers.reduce((sum, n) => sum + (sizes[n] ?? 0), 0));
  expect(numbers.reduce((sum, n) => sum + charged(sizes[n] ?? 0), 0) + quarantinedBytes).toBe(
    bytes,
  );
  for (const n of numbers) expect(model.possible).toContain(n);
}

const commands = fc.array(
  fc.record({
    step: fc.constantFrom(...Object.keys(steps), "put", "put", "open"),
    n: number,
    m: number,
  }),
  { minLength: 1, maxLength: 30 },
);

describe("the cache against a model", () => {
  it("never hands out what was not put, and always counts what is on the disk", async () => {
    // Random puts, reads, deletes, prunes, restarts, lost and damaged indexes, and files that are
    // removed, cut, lengthened or rewritten from outside, against a set of what may be there.
    const all = await Promise.all(sizes.map((_, n) => digestOf(bytesOfBlob(n), "sha256")));
    const runs = Number(process.env["BITSTORE_TEST_RUNS"] ?? 60);
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const directory = await cacheDirectory();
        const cache = await directory.open({ bytesMax, entryBytesMax: bytesMax });
        const real: Real = { cache, directory, digests: all };
        const model: Model = { possible: new Set(), touched: false };
        for (const { step, n, m } of sequence) {
          await steps[step]?.(n, m)(model, real);
          if (step !== "removeFile" && step !== "changeFile") await check(model, real);
        }
        await check(model, real);
        await real.cache[Symbol.asyncDispose]();
        await rm(directory.path, { recursive: true });
      }),
      { numRuns: runs },
    );
  }, 300_000);
});
