import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Bucket,
  type Digest,
  type ObjectInfo,
  memoryBucket,
  parseDigest,
  shardedLayout,
  type TagLog,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { collectGarbage, type GcRoots } from "../src/index.ts";
import { markSet } from "../src/marks/mark-set.ts";

const sha256 = (seed: string): Digest =>
  parseDigest(`sha256:${createHash("sha256").update(seed).digest("hex")}`);
const sha1 = (seed: string): Digest =>
  parseDigest(`sha1:${createHash("sha1").update(seed).digest("hex")}`);

describe("marks", () => {
  // What is added in any order, twice or in several ways comes out once, ascending, whether it fitted
  // in memory or was merged from files: held against a plain map.
  test.each([1, 2, 7, 100, 5000])("are sorted with %i in memory", (marksInMemoryMax) => {
    const marks = markSet({ marksInMemoryMax, directory: tmpdir() });
    const model = new Map<Digest, number>();
    for (let at = 0; at < 1000; at += 1) {
      const seed = `${(at * 7919) % 300}`;
      const digest = at % 3 === 0 ? sha1(seed) : sha256(seed);
      const kinds = 1 << (at % 3);
      marks.add(digest, kinds);
      model.set(digest, (model.get(digest) ?? 0) | kinds);
    }
    const expected = [...model]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([digest, kinds]) => ({ digest, kinds }));
    expect([...marks.sorted()]).toEqual(expected);
    // It may be walked again, also by two at once.
    const [one, other] = [marks.sorted(), marks.sorted()];
    expect(expected.map(() => [one.next().value, other.next().value])).toEqual(
      expected.map((mark) => [mark, mark]),
    );
    marks.dispose();
  });

  test("that begin with the same bytes are told apart", () => {
    const marks = markSet({ marksInMemoryMax: 3, directory: tmpdir() });
    const digests = Array.from({ length: 20 }, (_, at) =>
      parseDigest(`sha256:${"ab".repeat(31)}${((at * 7) % 20).toString(16).padStart(2, "0")}`),
    );
    for (const digest of digests) marks.add(digest, 1);
    expect([...marks.sorted()].map(({ digest }) => digest)).toEqual([...digests].sort());
    marks.dispose();
  });

  test("say what to do where there is no room for them", () => {
    const marks = markSet({ marksInMemoryMax: 1, directory: "/nowhere/at/all" });
    marks.add(sha1("a"), 1);
    expect(() => marks.add(sha1("b"), 1)).toThrow("set TMPDIR to another");
  });
});

/** A listing of blobs that are nowhere: what it holds is made as it is asked for. */
function endless(count: number): { readonly bucket: Bucket; digest(at: number): Digest } {
  const inner = memoryBucket("endless");
  const layout = shardedLayout("");
  const digest = (at: number): Digest =>
    parseDigest(`sha256:${(at * 16).toString(16).padStart(12, "0")}${"5".repeat(52)}`);
  const bucket: Bucket = {
    ...inner,
    async *list(prefix) {
      for (let at = 0; at < count && prefix === "sha256/"; at += 1) {
        const modifiedAt = new Date(at % 2 === 0 ? 0 : Date.now());
        const info: ObjectInfo = {
          key: layout.key(digest(at)),
          size: 1,
          version: "v",
          modifiedAt,
          md5: undefined,
          archived: false,
        };
        yield info;
      }
    },
  };
  return { bucket, digest };
}

// Two hundred thousand blobs and as many marks, sixteen runs of them in a file: what is kept in memory
// does not grow with them. A set of the marks as strings alone would take 25 MB.
test("a collection takes little memory, however many blobs there are", async () => {
  const count = 200_000;
  const { bucket, digest } = endless(count);
  const roots: GcRoots = {
    async *namespaces() {
      yield "n";
    },
    tags: () => ({ async *list() {} }) as unknown as TagLog,
    async *pins() {
      // Every fourth, in an order that is not theirs.
      for (let at = 0; at < count; at += 1) {
        yield { digest: digest(((at * 7919) % count) * 4) };
      }
    },
    async *leases() {},
  };
  let peakBytes = 0;
  let seen = 0;
  const before = memoryInUse();
  const report = await collectGarbage({
    tiers: [{ name: "endless", bucket, layout: shardedLayout("") }],
    metadata: memoryBucket(),
    metadataId: "m",
    roots,
    blobs: { open: () => Promise.resolve(undefined) },
    marksInMemoryMax: 12_500,
    onProgress: () => {
      seen += 1;
      if (seen % 20_000 === 0) peakBytes = Math.max(peakBytes, memoryInUse() - before);
    },
  });
  expect(report.tiers[0]?.fates).toMatchObject({
    named: { count: count / 4 },
    young: { count: count / 2 },
    swept: { count: count / 4 },
  });
  expect(seen).toBeGreaterThan(40_000);
  console.log(`gc of ${count} blobs keeps ${(peakBytes / 2 ** 20).toFixed(1)} MiB`);
  expect(peakBytes).toBeLessThan(8 * 2 ** 20);
}, 120_000);

setFlagsFromString("--expose-gc");
const collectMemory = runInNewContext("gc") as () => void;

/** Bytes that are reachable. */
function memoryInUse(): number {
  collectMemory();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
