import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  type Random,
  scheduler,
  type Scheduler,
  seededPolicy,
  seededRandom,
  uniformPolicy,
} from "@bitstore/conformance";
import {
  type BlobSource,
  type BlobStore,
  bucketStore,
  composite,
  defineTier,
  memoryBucket,
  shardedLayout,
  spoolOpener,
} from "@bitstore/core";
import { type DiskCache, diskCache, type DiskCacheOptions } from "../../src/index.ts";
import { checkAtRest } from "./check-at-rest.ts";
import { type SimFolder, simFolder } from "./folder.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { type Machine, machine, type SimProcess } from "./machine.ts";
import { mount } from "./mounted.ts";
import { performCaller, type Stage } from "./perform.ts";
import type { Plan, PlannedGeneration, PlannedProcess } from "./plan.ts";
import { watchedCache } from "./watched-cache.ts";

/** Violations that are told of one history. */
const violationsMax = 5;

export interface Ran {
  readonly violations: readonly string[];
  readonly scheduler: Scheduler;
  /** What happened, to show that the simulation is worth something. */
  readonly counts: ReadonlyMap<string, number>;
}

/** What the parts of one run share. */
export interface World {
  readonly plan: Plan;
  readonly sim: Scheduler;
  readonly disk: Machine;
  readonly folder: SimFolder;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly origin: BlobStore;
  readonly violate: (what: string) => void;
  readonly count: (what: string) => void;
  /** Files were changed from outside, or lost with the power. */
  readonly isTampered: () => boolean;
}

/** Some ten times what the longest histories take. */
const stepsMax = 20_000;

/** In memory where there is such a folder: a run makes and removes some hundred files. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Plays a plan from its first step to quiet, and then looks what is there. */
export async function runCache(plan: Plan, isTraced = false): Promise<Ran> {
  const turns = seededRandom(plan.seed).fork("turns");
  const policy = turns.chance(0.5) ? uniformPolicy(turns, 0) : seededPolicy(turns);
  const sim = scheduler(plan.seed, { policy, isTraced, stepsMax });
  const violations: string[] = [];
  const counts = new Map<string, number>();
  const violate = (what: string): void => {
    sim.trace.note("!", what);
    if (violations.length < violationsMax) violations.push(`${what}, at step ${sim.step}`);
  };
  const folder = simFolder(parent);
  const all = plan.generations.flatMap(({ processes }) => processes);
  const bytesMax = Math.max(...all.map((each) => each.bytesMax));
  const disk = machine(sim, {
    weather: plan.weather,
    onGrowth: () => {
      const bytes = folder.bytes();
      if (bytes > bytesMax) violate(`${bytes} bytes on the disk, where ${bytesMax} may be`);
    },
  });
  const ledger = await openLedger(plan.sizes);
  const world: World = {
    plan,
    sim,
    disk,
    folder,
    ledger,
    random: sim.random.fork("world"),
    origin: await originOf(ledger),
    violate,
    count: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    isTampered: () =>
      ledger.blobs.some(({ rots }) => rots > 0) ||
      plan.generations.some(({ after }) => after === "power loss"),
  };
  mount(disk);
  try {
    for (const generation of plan.generations) await runGeneration(world, generation);
    disk.mend();
    await runToEnd(world, () => {
      const process = disk.start("end", undefined);
      sim.spawn("end", () => process.run(() => checkAtRest(world, process, bytesMax)));
    });
  } finally {
    mount(undefined);
    disk.losePower();
    folder.remove();
  }
  return { violations, scheduler: sim, counts };
}

async function originOf(ledger: Ledger): Promise<BlobStore> {
  const origin = bucketStore(memoryBucket("origin"), shardedLayout("", ["sha256"]));
  for (const { bytes } of ledger.blobs) await origin.put(bytes);
  return origin;
}

/** Lets tasks run to their end, which they must come to. */
async function runToEnd({ sim, violate }: World, spawn: () => void): Promise<void> {
  spawn();
  const { ended, unfinished, failures } = await sim.run();
  for (const { task, error } of failures) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    violate(`${task} failed: ${text}`);
  }
  if (ended !== "done") violate(`it never ends (${ended}): ${unfinished.join(", ")}`);
}

async function runGeneration(world: World, generation: PlannedGeneration): Promise<void> {
  const { sim, disk, folder, ledger, plan, random, count } = world;
  const started: SimProcess[] = [];
  await runToEnd(world, () => {
    for (const planned of generation.processes) {
      const process = disk.start(planned.name, planned.death);
      started.push(process);
      sim.spawn(planned.name, () => runProcess(world, process, planned));
    }
  });
  for (const process of started) {
    if (process.isDead) count("killed");
    process.kill();
  }
  switch (generation.after) {
    case "power loss":
      disk.losePower();
      folder.tear(disk.unsynced, random);
      if (random.chance(0.5)) folder.damageIndex(random);
      for (const blob of ledger.blobs) {
        blob.owed = false;
        blob.takings += 1;
        if (plan.fsync) continue;
        blob.mayBeRotten = true;
        blob.rots += 1;
      }
      break;
    case "index lost":
      folder.loseIndex();
      break;
    case "index damaged":
      folder.damageIndex(random);
      break;
    default:
  }
  count(generation.after);
}

/** Opens a cache as one process would, uses it, and disposes it, or dies over any of this. */
async function runProcess(
  world: World,
  process: SimProcess,
  planned: PlannedProcess,
): Promise<void> {
  const work = async (): Promise<void> => {
    await world.sim.pause(planned.name, "starts", planned.startsMs);
    const cache = await openCache(world, process, planned.bytesMax);
    if (cache === undefined) return;
    const stage = stageOf(world, process, planned, cache);
    await Promise.all(planned.callers.map(async (caller) => await performCaller(stage, caller)));
    if (process.isDead || world.random.chance(0.3)) return;
    await stage.dispose();
    if (!process.isDead) checkLeaks(world, process);
  };
  await process.run(() => Promise.race([work(), process.died]));
}

export function checkLeaks({ violate }: World, { lane, handles, databases }: SimProcess): void {
  if (handles.size > 0) violate(`${lane} leaves ${handles.size} files open`);
  if (databases.size > 0) violate(`${lane} leaves ${databases.size} databases open`);
}

/** Undefined where the disk refuses, which it may in a storm only. */
async function openCache(
  world: World,
  process: SimProcess,
  bytesMax: number,
): Promise<DiskCache | undefined> {
  try {
    return await diskCache(optionsOf(world, process, bytesMax));
  } catch (error) {
    if (process.isDead) return undefined;
    if (!isStormy(world.plan)) world.violate(`open failed: ${String(error)}`);
    checkLeaks(world, process);
    return undefined;
  }
}

export function isStormy({ weather }: Plan): boolean {
  return weather.stormEndMs > 0;
}

/**
 * Whether the cache may evict although there is room: it makes itself smaller where the disk is full,
 * and takes what it has not seen for as much as it may be where a walk has failed.
 */
export function isShrinking({ weather }: Plan): boolean {
  return weather.full > 0 || weather.broken > 0;
}

export function optionsOf(
  { plan, sim, folder, random }: World,
  { clock, lane }: SimProcess,
  bytesMax: number,
): DiskCacheOptions {
  let ids = 0;
  return {
    directory: folder.path,
    name: lane,
    bytesMax,
    entryBytesMax: bytesMax,
    entriesMax: plan.entriesMax,
    fsync: plan.fsync,
    clock,
    date: () => Date.UTC(2026, 0, 2) + sim.timeMs,
    uniqueId: () => {
      ids += 1;
      return `${lane}x${ids}y${random.below(1e6)}`;
    },
    limits: {
      busyMs: 2000,
      spaceMs: 3000,
      fullMs: 500,
      openWaitMs: 300,
      flushMs: 100,
      pendingHitsMax: 3,
      rowsMax: 2,
      sweepStepsMax: 3,
      lapStepsMax: 6,
      gatherBytes: 3000,
      growBytesMax: 8192,
      readBytes: 4096,
      quarantineFilesMax: 2,
    },
  };
}

function stageOf(
  world: World,
  process: SimProcess,
  planned: PlannedProcess,
  inner: DiskCache,
): Stage & { dispose(): Promise<void> } {
  const { plan, sim, ledger, folder, violate, origin } = world;
  const { clock } = process;
  const cache = watchedCache(inner, ledger, () => process.isDead);
  const tiers = [
    defineTier({ name: "cache", source: cache, role: "cache" }),
    defineTier({ name: "origin", source: origin, origin: true }),
  ];
  // All that is read stays in memory: real temporary files would take real time.
  const openSpool = spoolOpener({
    memoryBytesMax: 2 ** 20,
    spoolBytesMax: 2 ** 20,
    spoolsBytesMax: 2 ** 24,
  });
  const store = planned.isTier ? composite({ tiers, clock, openSpool }) : undefined;
  const reads: BlobSource = store ?? cache;
  return {
    ledger,
    folder,
    cache,
    reads,
    isTier: planned.isTier,
    clock,
    isDead: () => process.isDead,
    isStormy: isStormy(plan) || !sim.policy.isSteady,
    isIndexed:
      !isStormy(plan) &&
      sim.policy.isSteady &&
      plan.generations.every(({ after }) => after === "nothing"),
    isRoomy: plan.isRoomy,
    isShrinking: isShrinking(plan),
    violate,
    note: (lane, what) => sim.trace.note(lane, what),
    async dispose() {
      if (store !== undefined) await store[Symbol.asyncDispose]();
      else await cache[Symbol.asyncDispose]();
    },
  };
}
