import { seededBytes, seededRandom } from "@bitstore/conformance";
import {
  bucketStore,
  type Composite,
  composite,
  defineTier,
  type Digest,
  digestOf,
  memoryBucket,
  memoryCache,
  shardedLayout,
} from "@bitstore/core";
import { type BucketCounts, countedBucket } from "./counted-bucket.ts";

/** How much is replayed. */
export interface ReplayOptions {
  readonly operations: number;
  readonly seed: number;
  /** Blobs, of which some are read much more than others. */
  readonly blobs: number;
  /** Operations under way at a time. */
  readonly lanes: number;
}

export interface ReplayResult {
  /** What callers asked. */
  readonly gets: number;
  readonly stats: number;
  readonly durables: number;
  readonly puts: number;
  readonly deletes: number;
  /** What the origin's bucket was asked for it, and the other source's. */
  readonly origin: BucketCounts;
  readonly other: BucketCounts;
  /** HEADs at both while nothing but reads was under way, for each of those reads. */
  readonly headsPerGet: number;
  /** Answers to "durable?" that were wrong although nothing was written meanwhile. */
  readonly falseDurable: readonly string[];
  /** Reads that gave other bytes. */
  readonly wrongBytes: number;
}

const blobBytes = 2000;

/**
 * Replays reads, existence questions, puts and deletes over two processes' composites of the same two
 * buckets, each with a memory cache of its own, so that what one deletes the other may still have. What
 * is durable is known beside it, with a version that changes with each write.
 */
export async function replayWorkload(options: ReplayOptions): Promise<ReplayResult> {
  const random = seededRandom(options.seed);
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const origin = countedBucket(memoryBucket("origin"), pause);
  const other = countedBucket(memoryBucket("other"), pause);
  const open = (name: string): Composite =>
    composite({
      name,
      tiers: [
        defineTier({ name: "memory", source: memoryCache({ bytesMax: 200_000 }), role: "cache" }),
        defineTier({
          name: "other",
          source: bucketStore(other.bucket, shardedLayout(""), { name: "other" }),
        }),
        defineTier({
          name: "origin",
          source: bucketStore(origin.bucket, shardedLayout(""), { name: "origin" }),
          origin: true,
        }),
      ],
    });
  await using first = open("first");
  await using second = open("second");
  const bodies = Array.from({ length: options.blobs }, (_, blob) => seededBytes(blobBytes, blob));
  const digests: Digest[] = [];
  const truth = new Map<Digest, { there: boolean; version: number; writing: number }>();
  for (const [at, body] of bodies.entries()) {
    const digest = await digestOf(body, "sha256");
    digests.push(digest);
    // Every third one lies in the other source too: it is somewhere, and not durable by that.
    const seeded = bucketStore(other.bucket, shardedLayout(""), { name: "other" });
    if (at % 3 === 0) await seeded.put(body, { digest });
    if (at % 2 === 0) await first.put(body, { digest });
    truth.set(digest, { there: at % 2 === 0, version: 0, writing: 0 });
  }
  const heads = (): number => origin.counts.head + other.counts.head;
  const counted = { gets: 0, stats: 0, durables: 0, puts: 0, deletes: 0 };
  const falseDurable: string[] = [];
  let wrongBytes = 0;
  let [readsAlone, headsAlone] = [0, 0];

  /** Low numbers are drawn much more often than high ones. */
  const draw = (): number => Math.floor(options.blobs * random.next() ** 3);

  async function operate(): Promise<void> {
    const at = draw();
    const [digest, body] = [digests[at], bodies[at]];
    if (digest === undefined || body === undefined) return;
    const store = random.pick([first, second]);
    const known = truth.get(digest);
    if (known === undefined) return;
    const dice = random.next();
    if (dice < 0.8) {
      counted.gets += 1;
      const bytes = await (await store.open(digest))?.bytes();
      if (bytes !== undefined && Buffer.compare(bytes, body) !== 0) wrongBytes += 1;
    } else if (dice < 0.86) {
      counted.stats += 1;
      await store.stat(digest);
    } else if (dice < 0.94) {
      counted.durables += 1;
      const { there, version, writing } = known;
      const answer = await store.durable(digest);
      // Only an answer that no write overlapped has one truth.
      if (writing > 0 || known.writing > 0 || known.version !== version) return;
      if ((answer !== undefined) !== there) falseDurable.push(`${digest}: ${there} was the truth`);
    } else {
      // One writer of a digest at a time, so that what is there afterwards is known.
      if (known.writing > 0) return;
      known.writing += 1;
      if (dice < 0.97) {
        counted.puts += 1;
        await store.put(body, { digest });
        known.there = true;
      } else {
        counted.deletes += 1;
        await store.delete(digest);
        known.there = false;
      }
      known.version += 1;
      known.writing -= 1;
    }
  }

  let left = options.operations;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await operate();
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  await Promise.all([first.drain(), second.drain()]);
  // Reads alone, past the caches of both: what existence costs a read is what is left.
  await using third = open("third");
  const before = heads();
  for (const digest of digests) {
    await (await third.open(digest))?.bytes();
    readsAlone += 1;
  }
  headsAlone = heads() - before;
  return {
    ...counted,
    origin: origin.counts,
    other: other.counts,
    headsPerGet: headsAlone / readsAlone,
    falseDurable,
    wrongBytes,
  };
}
