import { type Bucket, type Clock, isStoreError, sleep } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import { collectGarbage, type GcOptions, type GcRoots } from "../../src/index.ts";
import { graceMs, layout } from "./blobs.ts";
import { sleepyMachine } from "./sleepy-machine.ts";
import { idle, isOfWeather, type World } from "./world.ts";

/** What a collector works on. */
export interface Collected {
  readonly roots: GcRoots;
  readonly bucket: Bucket;
  readonly metadata: Bucket;
  readonly date: () => Date;
}

/** Makes the options of a run without a lock, since locks may fail. */
export function gcOptions(
  { roots, bucket, metadata, date }: Collected,
  clock: Clock,
  { random }: Scheduler,
): GcOptions {
  return {
    tiers: [{ name: "tier", bucket, layout }],
    metadata,
    metadataId: "m",
    roots,
    blobs: { open: () => Promise.resolve(undefined) },
    dryRun: false,
    unlocked: true,
    concurrencyMax: 2,
    clock,
    date,
    random: random.next,
  };
}

/** Collects now and then, on a machine that may sleep, and is killed at times. */
export async function collector(world: World, lane: string, collected: Collected): Promise<void> {
  const { sim, count } = world;
  const { roots } = collected;
  const machine = sleepyMachine(sim, lane);
  const clock = machine.clock;
  const bucket = conscientious(world, lane, machine.bucket(collected.bucket));
  for (let round = 0; round < 8; round += 1) {
    await idle(world, lane, 2.5);
    const kill = new AbortController();
    // Some runs are killed, anywhere; requests on their way go on.
    const killer = sim.random.chance(0.3)
      ? clock.after(sim.random.below(60_000), () => kill.abort())
      : undefined;
    const dawdles = sim.random.chance(0.3);
    try {
      const { tiers } = await collectGarbage({
        ...gcOptions({ ...collected, bucket }, clock, sim),
        signal: kill.signal,
        onProgress: () => undefined,
        roots: dawdles ? slowed(roots, clock) : roots,
      });
      for (const [fate, { count: times }] of Object.entries(tiers[0]?.fates ?? {})) {
        for (let time = 0; time < times; time += 1) count(`gc ${fate}`);
      }
    } catch (error) {
      if (!isOfWeather(error)) throw error;
      count(`gc ended with ${isStoreError(error) ? error.code : "an error"}`);
    }
    killer?.();
  }
}

/**
 * Holds a collector to what it has seen: where it looked at a blob after a put of it had been
 * acknowledged, less than half a grace before, it must leave it in its place. The trash would make up
 * for it, which is no reason.
 */
function conscientious(
  { sim, blobs, isLax, oracle, violate }: World,
  lane: string,
  bucket: Bucket,
): Bucket {
  if (isLax) return bucket;
  const lookedAtMs = new Map<string, number>();
  return {
    ...bucket,
    async head(key, options) {
      lookedAtMs.set(key, sim.timeMs);
      return await bucket.head(key, options);
    },
    async delete(key, options) {
      const blob = blobs.find(({ digest }) => layout.key(digest) === key);
      const putAtMs = blob === undefined ? undefined : oracle.putAtMs.get(blob.digest);
      const seenAtMs = lookedAtMs.get(key) ?? 0;
      if (putAtMs !== undefined && putAtMs < seenAtMs && seenAtMs - putAtMs < graceMs / 2) {
        violate(`${lane} sweeps what was put ${Math.floor(seenAtMs - putAtMs)} ms before`);
      }
      return await bucket.delete(key, options);
    },
  };
}

/** Roots that take long to be read, as those of millions of tags do. */
function slowed(roots: GcRoots, clock: Clock): GcRoots {
  return {
    ...roots,
    async *pins(namespace, call) {
      await sleep(clock, graceMs / 3);
      yield* roots.pins(namespace, call);
      await sleep(clock, graceMs / 3);
    },
  };
}
