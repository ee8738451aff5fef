import { type Bucket, bucketStore, formatBytes, formatKey, memoryBucket } from "@bitstore/core";
import { placeOf } from "@bitstore/tags";
// By path, since the package's front door also opens the test runner, which mutants run without.
import { drainTurns } from "../../../conformance/src/sim/drain.ts";
import { scheduledBucket } from "../../../conformance/src/sim/scheduled-bucket.ts";
import { scheduler } from "../../../conformance/src/sim/scheduler.ts";
import { graceMs, layout, someBlobs } from "./blobs.ts";
import { collector } from "./collector.ts";
import { laneWeather } from "./lane-weather.ts";
import { modelRoots } from "./model-roots.ts";
import { openOracle, watchedBucket } from "./oracle.ts";
import { settle } from "./settle.ts";
import { usersOf } from "./users.ts";
import type { World } from "./world.ts";

// A model of a store that is used and collected at the same time. Putters, taggers, readers, pins,
// leases, a user who deletes, and two collectors without a lock, which are killed now and then, share
// a bucket whose requests are lost, late and reordered by a seeded scheduler in virtual time. After
// each deletion it is checked that all that must be readable is there, in its place or in the trash;
// each read of such a blob must succeed; and at the end garbage must be gone.

/** Violations that are told of one history. */
const violationsMax = 5;

export interface History {
  readonly violations: readonly string[];
  /** What was done, step by step; empty unless it was asked for. */
  readonly trace: readonly string[];
  /** Who took part. */
  readonly lanes: readonly string[];
  /** What happened, to show that the simulation is worth something. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface SimulateOptions {
  readonly isTraced?: boolean | undefined;
  /** Does not hold collectors to what they have seen: shows what the trash alone makes up for. */
  readonly isLax?: boolean | undefined;
  /** Takes every blob for a large one, which is answered for before it is brought back. */
  readonly isLarge?: boolean | undefined;
  /** Users that are left out although they were drawn. */
  readonly without?: ReadonlySet<string> | undefined;
}

/** Simulates the history of a seed; the same seed gives the same history. */
export async function simulate(
  seed: number,
  { isTraced = false, isLax = false, isLarge = false, without }: SimulateOptions = {},
): Promise<History> {
  const sim = scheduler(seed, { drain: drainTurns, isTraced, stepMs: 200, stepsMax: 60_000 });
  const violations: string[] = [];
  const counts: Record<string, number> = {};
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
  const violate = (what: string): void => {
    if (violations.length < violationsMax) {
      violations.push(`${what}, at ${Math.floor(sim.timeMs)} ms`);
    }
  };
  const blobs = someBlobs(sim);
  const oracle = openOracle(sim);
  const date = (): Date => new Date(Date.UTC(2026, 0, 1) + Math.floor(sim.timeMs / 1000) * 1000);
  const inner = memoryBucket("tier", date);
  const metadata = memoryBucket("metadata", date);
  await writeFormat(inner, metadata);
  // Half the histories begin with all blobs there.
  if (sim.random.chance(0.5)) {
    for (const { digest, bytes } of blobs) await inner.put(layout.key(digest), bytes);
  }

  const weather = laneWeather(sim);
  const watched = watchedBucket(inner, blobs, oracle, violate);
  const bucketOf = (lane: string): Bucket =>
    scheduledBucket(watched, { scheduler: sim, lane, weather: weather.of(lane), pageItems: 3 });
  const storeOf: World["storeOf"] = (lane, restores = true) =>
    bucketStore(bucketOf(lane), layout, {
      restores,
      clock: sim.clock(lane),
      restoreFirstBytesMax: isLarge ? 0 : undefined,
    });
  const { isStormy } = weather;
  const world: World = { sim, blobs, isLax, oracle, isStormy, violate, count, storeOf };

  // All began long ago, so that what was planted is old enough to be swept.
  sim.spawn("time", () => sim.pause("time", "begin", 3 * graceMs));
  await sim.run();
  const roots = modelRoots(sim);
  // Who reads and stats brings blobs back, and so hides what others do: not all take part.
  const lanes: string[] = [];
  for (const [lane, act] of Object.entries(usersOf(world, roots))) {
    if (!sim.random.chance(0.6) || without?.has(lane) === true) continue;
    lanes.push(lane);
    sim.spawn(lane, () => act(lane));
  }
  for (const lane of ["gc-a", "gc-b"]) {
    sim.spawn(lane, () =>
      collector(world, lane, { roots, bucket: bucketOf(lane), metadata, date }),
    );
  }
  const { ended, failures, unfinished } = await sim.run();
  for (const { task, error } of failures) violate(`${task} failed: ${String(error)}`);
  if (ended !== "done") violate(`it ended with ${ended}: ${unfinished.join(", ")}`);
  count(ended);
  await settle(world, { roots, bucket: inner, metadata, date });
  return { violations, trace: sim.trace.lines(), lanes, counts };
}

/** Turns the collection of garbage on. */
async function writeFormat(bucket: Bucket, metadata: Bucket): Promise<void> {
  const gc = { metadata: "m", metadataPlace: placeOf(metadata), graceMs };
  await bucket.put(formatKey, formatBytes({ layout: "sharded", minReader: 2, minWriter: 2, gc }));
}
