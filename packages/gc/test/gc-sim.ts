import { createHash } from "node:crypto";
import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type Clock,
  type Descriptor,
  type Digest,
  formatBytes,
  formatKey,
  isStoreError,
  memoryBucket,
  parseDigest,
  shardedLayout,
  sleep,
  type TagEntry,
  type TagLog,
  trashPrefix,
  trashPrefixOf,
} from "@bitstore/core";
// By path, since the package's front door also opens the test runner, which mutants run without.
import { drainTurns } from "../../conformance/src/sim/drain.ts";
import { scheduledBucket } from "../../conformance/src/sim/scheduled-bucket.ts";
import { type Scheduler, scheduler } from "../../conformance/src/sim/scheduler.ts";
import {
  calm,
  seededWeather,
  type Storm,
  type Weather,
} from "../../conformance/src/sim/weather.ts";
import { collectGarbage, type GcRoots } from "../src/index.ts";

// A model of a store that is used and collected at the same time. Putters, taggers, readers, pins,
// leases, a user who deletes, and two collectors without a lock, which are killed now and then, share
// a bucket whose requests are lost, late and reordered by a seeded scheduler in virtual time. After
// each deletion it is checked that all that must be readable is there, in its place or in the trash;
// each read of such a blob must succeed; and at the end garbage must be gone.

const graceMs = 60 * 60_000;
const layout = shardedLayout("");
const minuteMs = 60_000;

export interface SimResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** What happened, to show that the simulation is worth something. */
  readonly counts: Readonly<Record<string, number>>;
}

interface Blob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** Users delete these, and tag none of them. */
  readonly deletable: boolean;
}

/** Makes a few blobs, so that all that happens meets. */
function someBlobs({ random }: Scheduler): readonly Blob[] {
  return Array.from({ length: 1 + random.below(3) }, (_, at) => {
    const bytes = new TextEncoder().encode(`blob ${at} ${"x".repeat(at * 10)}`);
    const hex = createHash("sha256").update(bytes).digest("hex");
    return { digest: parseDigest(`sha256:${hex}`), bytes, deletable: random.chance(0.3) };
  });
}

/** What must hold, told by what was acknowledged. */
interface Oracle {
  /** When each blob was last acknowledged by a put; none since its last deletion began. */
  readonly putAtMs: Map<Digest, number>;
  /** How many tags, pins and leases name each blob, from their acknowledgement on. */
  readonly names: Map<Digest, number>;
}

export interface SimOptions {
  readonly isTraced?: boolean | undefined;
  /** Does not hold collectors to what they have seen: shows what the trash alone makes up for. */
  readonly isLax?: boolean | undefined;
}

/** Simulates one history. */
export async function simulate(
  seed: number,
  { isTraced = false, isLax = false }: SimOptions = {},
): Promise<SimResult> {
  const sim = scheduler(seed, { drain: drainTurns, isTraced, stepMs: 200, stepsMax: 60_000 });
  const violations: string[] = [];
  const counts: Record<string, number> = {};
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
  const blobs = someBlobs(sim);
  const oracle: Oracle = { putAtMs: new Map(), names: new Map() };
  const date = (): Date => new Date(Date.UTC(2026, 0, 1) + Math.floor(sim.timeMs / 1000) * 1000);
  const inner = memoryBucket("tier", date);
  const metadata = memoryBucket("metadata", date);
  const isPlanted = sim.random.chance(0.5);
  const violate = (what: string): void => {
    if (violations.length < 5) violations.push(`${what}, at ${Math.floor(sim.timeMs)} ms`);
  };

  const mustBeReadable = (digest: Digest): boolean => {
    if ((oracle.names.get(digest) ?? 0) > 0) return true;
    const atMs = oracle.putAtMs.get(digest);
    return atMs !== undefined && sim.timeMs - atMs < graceMs;
  };
  const watched: Bucket = {
    ...inner,
    async delete(key, options) {
      const was = await inner.delete(key, options);
      for (const { digest } of blobs) {
        if (mustBeReadable(digest) && !(await isSomewhere(inner, digest))) {
          violate(`${digest.slice(7, 15)} is lost by the deletion of ${key}`);
        }
      }
      return was;
    },
  };
  await inner.put(
    formatKey,
    formatBytes({
      layout: "sharded",
      minReader: 2,
      minWriter: 2,
      gc: { metadata: "m", graceMs },
    }),
  );
  if (isPlanted) for (const { digest, bytes } of blobs) await inner.put(layout.key(digest), bytes);

  const weather = weatherOf(sim);
  const bucketOf = (lane: string): Bucket =>
    scheduledBucket(watched, { scheduler: sim, lane, weather: weather(lane), pageItems: 3 });
  const storeOf = (lane: string, restores = true): BlobStore =>
    bucketStore(bucketOf(lane), layout, { restores, clock: sim.clock(lane) });
  const world: World = {
    sim,
    blobs,
    isLax,
    oracle,
    isStormy: weather.isStormy,
    violate,
    count,
    mustBeReadable,
    storeOf,
  };

  // All began long ago, so that what was planted is old enough to be swept.
  sim.spawn("time", () => sim.pause("time", "begin", 3 * graceMs));
  await sim.run();
  const roots = modelRoots(world);
  const actors: Record<string, (lane: string) => Promise<void>> = {
    "putter-a": (lane) => putter(world, lane),
    "putter-b": (lane) => putter(world, lane),
    tagger: (lane) => tagger(world, roots, lane, true),
    "read-only tagger": (lane) => tagger(world, roots, lane, false),
    pinner: (lane) => holder(world, roots, lane),
    leaser: (lane) => holder(world, roots, lane),
    reader: (lane) => reader(world, lane, true),
    "read-only reader": (lane) => reader(world, lane, false),
    deleter: () => deleter(world),
  };
  // Who reads and stats brings blobs back, and so hides what others do: not all take part.
  for (const [lane, act] of Object.entries(actors)) {
    if (sim.random.chance(0.6)) sim.spawn(lane, () => act(lane));
  }
  for (const lane of ["gc-a", "gc-b"]) {
    sim.spawn(lane, () => collector(world, roots, lane, bucketOf(lane), metadata, date));
  }
  const outcome = await sim.run();
  for (const { task, error } of outcome.failures) violate(`${task} failed: ${String(error)}`);
  if (outcome.ended !== "done")
    violate(`it ended with ${outcome.ended}: ${outcome.unfinished.join(", ")}`);
  count(outcome.ended);
  await settle(world, roots, inner, metadata);
  return { seed, violations, trace: sim.trace.lines(), counts };
}

interface World {
  readonly sim: Scheduler;
  readonly blobs: readonly Blob[];
  readonly isLax: boolean;
  readonly oracle: Oracle;
  readonly isStormy: boolean;
  readonly violate: (what: string) => void;
  readonly count: (what: string) => void;
  readonly mustBeReadable: (digest: Digest) => boolean;
  readonly storeOf: (lane: string, restores?: boolean) => BlobStore;
}

/** Half the histories have trouble, and in them some lanes. */
function weatherOf(sim: Scheduler): ((lane: string) => Weather) & { readonly isStormy: boolean } {
  const random = sim.random.fork("weather");
  const isStormy = random.chance(0.5);
  const kinds: Partial<Storm>[] = [
    { late: 0.1 },
    { lostAnswer: 0.1 },
    { lostCall: 0.1 },
    { slow: 0.2 },
    { doubled: 0.1, late: 0.05 },
    { broken: 0.1 },
  ];
  const storm = isStormy ? { ...calm, ...random.pick(kinds) } : calm;
  const of = (lane: string): Weather =>
    seededWeather(sim.random.fork(`weather of ${lane}`), {
      storm: lane.includes("reader") ? calm : storm,
      stormEndMs: Number.POSITIVE_INFINITY,
    });
  return Object.assign(of, { isStormy });
}

async function isSomewhere(inner: Bucket, digest: Digest): Promise<boolean> {
  if ((await inner.head(layout.key(digest))) !== undefined) return true;
  for await (const _ of inner.list(trashPrefixOf(layout, digest))) return true;
  return false;
}

/** Waits for a while: at times a moment, at times some graces. */
async function idle({ sim }: World, lane: string, gracesMax = 2): Promise<void> {
  const random = sim.random;
  const longest = random.pick([100, 10 * minuteMs, 0.7 * graceMs, gracesMax * graceMs]);
  await sim.pause(lane, "idle", random.below(longest));
}

function fails(error: unknown): boolean {
  return isStoreError(error) && error.code !== "INTERNAL" && error.code !== "DIGEST_MISMATCH";
}

async function putter(world: World, lane: string): Promise<void> {
  const { sim, blobs, oracle, count } = world;
  const store = world.storeOf(lane);
  for (let round = 0; round < 6; round += 1) {
    await idle(world, lane);
    const { digest, bytes } = sim.random.pick(blobs);
    try {
      const startMs = sim.timeMs;
      const { outcome } = await store.put(bytes, { digest });
      // One that ran beside a deletion is not known to be the later of the two.
      if (startMs >= (deletedAtMs.get(oracle)?.get(digest) ?? 0)) {
        oracle.putAtMs.set(digest, sim.timeMs);
      }
      count(`put ${outcome}`);
    } catch (error) {
      if (!fails(error)) throw error;
      count("put failed");
    }
  }
}

/** Until when a deletion of each blob was under way. */
const deletedAtMs = new WeakMap<Oracle, Map<Digest, number>>();

async function deleter(world: World): Promise<void> {
  const { sim, oracle, count } = world;
  const deletable = world.blobs.filter((blob) => blob.deletable);
  if (deletable.length === 0) return;
  const store = world.storeOf("deleter");
  const ends = new Map<Digest, number>();
  deletedAtMs.set(oracle, ends);
  for (let round = 0; round < 3; round += 1) {
    await idle(world, "deleter");
    const { digest } = sim.random.pick(deletable);
    // What is late may come at any time within its bound.
    ends.set(digest, Number.POSITIVE_INFINITY);
    oracle.putAtMs.delete(digest);
    try {
      await store.delete(digest);
      count("deleted");
    } catch (error) {
      if (!fails(error)) throw error;
      count("delete failed");
      await sim.pause("deleter", "late requests", 250_000);
    }
    await sim.pause("deleter", "late requests", 1);
    ends.set(digest, sim.timeMs);
  }
}

async function tagger(
  world: World,
  roots: ModelRoots,
  lane: string,
  restores: boolean,
): Promise<void> {
  const { sim, oracle, count } = world;
  const nameable = world.blobs.filter(({ deletable }) => !deletable);
  if (nameable.length === 0) return;
  const store = world.storeOf(lane, restores);
  for (let round = 0; round < 3; round += 1) {
    await idle(world, lane, 4);
    const { digest } = sim.random.pick(nameable);
    const since = readableSince(world, digest);
    const found = await isThere(store, digest, count);
    if (found === undefined) {
      const must = since !== undefined && since === readableSince(world, digest);
      if (must && !world.isStormy)
        world.violate(`${lane} is told that ${digest.slice(7, 15)} is gone`);
      continue;
    }
    // The entry is written a while after its target was looked for.
    await sim.pause(lane, "append", sim.random.below(sim.random.pick([100, graceMs / 5])));
    roots.append(digest);
    add(oracle, digest, 1);
    count("tagged");
    await sim.point(lane, "acknowledged");
  }
}

async function isThere(
  store: BlobStore,
  digest: Digest,
  count: World["count"],
): Promise<Descriptor | undefined> {
  try {
    const found = await store.stat(digest);
    count(found === undefined ? "stat missed" : "stat found");
    return found;
  } catch (error) {
    if (!fails(error)) throw error;
    return undefined;
  }
}

/** Pins or leases a blob, for a while; what it names now and then goes on to a tag. */
async function holder(world: World, roots: ModelRoots, lane: string): Promise<void> {
  const { sim, oracle, count } = world;
  const store = world.storeOf(lane);
  const nameable = world.blobs.filter(({ deletable }) => !deletable);
  if (nameable.length === 0) return;
  const held = lane === "pinner" ? roots.pinned : roots.leased;
  for (let round = 0; round < 3; round += 1) {
    await idle(world, lane);
    const { digest } = sim.random.pick(nameable);
    held.set(digest, (held.get(digest) ?? 0) + 1);
    await sim.point(lane, "held");
    const isHeld = await isThere(store, digest, count);
    if (isHeld !== undefined) add(oracle, digest, 1);
    await idle(world, lane, 7);
    if (isHeld !== undefined && sim.random.chance(0.3)) {
      roots.append(digest);
      add(oracle, digest, 1);
      count("handed on");
    }
    await sim.point(lane, "let go");
    if (isHeld !== undefined) add(oracle, digest, -1);
    held.set(digest, (held.get(digest) ?? 0) - 1);
    count("let go");
  }
}

async function reader(world: World, lane: string, restores: boolean): Promise<void> {
  const { sim, blobs, violate, count } = world;
  const store = world.storeOf(lane, restores);
  for (let round = 0; round < 10; round += 1) {
    await idle(world, lane);
    const { digest, bytes } = sim.random.pick(blobs);
    const since = readableSince(world, digest);
    const content = await store.open(digest);
    const got = content === undefined ? undefined : await content.bytes();
    // It must have been readable from before the read began until now.
    const must = since !== undefined && since === readableSince(world, digest);
    if (got !== undefined && !Buffer.from(got).equals(bytes)) violate(`${lane} read wrong bytes`);
    if (got === undefined && must) violate(`${lane} misses ${digest.slice(7, 15)}`);
    count(got === undefined ? "read missed" : "read");
  }
}

/** Names the reason why a blob must be readable now; two that are equal mean: all the time. */
function readableSince({ oracle, mustBeReadable }: World, digest: Digest): string | undefined {
  if (!mustBeReadable(digest)) return undefined;
  const names = oracle.names.get(digest) ?? 0;
  return names > 0 ? `named ${names}` : `put ${oracle.putAtMs.get(digest)}`;
}

async function collector(
  world: World,
  roots: ModelRoots,
  lane: string,
  bucket: Bucket,
  metadata: Bucket,
  date: () => Date,
): Promise<void> {
  const { sim, count } = world;
  const machine = sleepyMachine(sim, lane);
  const clock = machine.clock;
  const looking = conscientious(world, lane, machine.bucket(bucket));
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
        ...gcOptions(roots, looking, metadata, clock, sim),
        date,
        signal: kill.signal,
        onProgress: () => undefined,
        roots: dawdles ? slowed(roots, clock) : roots,
      });
      for (const [fate, { count: times }] of Object.entries(tiers[0]?.fates ?? {})) {
        for (let time = 0; time < times; time += 1) count(`gc ${fate}`);
      }
    } catch (error) {
      if (!fails(error)) throw error;
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

/** A machine that sleeps now and then: its clock stands still, and its timers and requests wait. */
function sleepyMachine(
  sim: Scheduler,
  lane: string,
): { readonly clock: Clock; bucket(inner: Bucket): Bucket } {
  const inner = sim.clock(lane);
  const isSleepy = sim.random.chance(0.4);
  let sleptMs = 0;
  let wakesAtMs = 0;
  async function maySleep(): Promise<void> {
    if (isSleepy && sim.random.chance(0.05)) {
      const forMs = sim.random.below(3 * graceMs);
      sleptMs += forMs;
      wakesAtMs = sim.timeMs + forMs;
    }
    while (sim.timeMs < wakesAtMs) await sim.pause(lane, "asleep", wakesAtMs - sim.timeMs);
  }
  const after: Clock["after"] = (delayMs, callback) => {
    let cancel = inner.after(delayMs, () => {
      if (sim.timeMs >= wakesAtMs) callback();
      else cancel = inner.after(wakesAtMs - sim.timeMs, callback);
    });
    return () => cancel();
  };
  return {
    clock: { now: () => inner.now() - sleptMs, after },
    bucket: (bucket) => ({
      ...bucket,
      async put(key, body, options) {
        await maySleep();
        return await bucket.put(key, body, options);
      },
      async head(key, options) {
        await maySleep();
        return await bucket.head(key, options);
      },
    }),
  };
}

function gcOptions(
  roots: GcRoots,
  bucket: Bucket,
  metadata: Bucket,
  clock: Clock,
  { random }: Scheduler,
) {
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
    random: random.next,
  };
}

/** After all: what must be there is, and what nothing names goes within a few rounds. */
async function settle(
  world: World,
  roots: ModelRoots,
  inner: Bucket,
  metadata: Bucket,
): Promise<void> {
  const { sim, blobs, violate, oracle } = world;
  const clock = sim.clock("end");
  const readOnly = bucketStore(inner, layout, { clock, restores: false });
  sim.spawn("end", async () => {
    for (const { digest, bytes } of blobs) {
      if (!world.mustBeReadable(digest)) continue;
      const got = await (await readOnly.open(digest))?.bytes();
      if (got === undefined || !Buffer.from(got).equals(bytes)) {
        violate(`${digest.slice(7, 15)} can't be read at the end`);
      }
    }
    for (let round = 0; round < 5; round += 1) {
      await sleep(clock, 2 * graceMs);
      const date = (): Date => new Date(sim.timeMs);
      await collectGarbage({ ...gcOptions(roots, inner, metadata, clock, sim), date });
    }
    for (const { digest } of blobs) {
      const isNamed = (oracle.names.get(digest) ?? 0) > 0;
      const isLive = (await inner.head(layout.key(digest))) !== undefined;
      if (isLive !== isNamed) violate(`garbage is ${isLive ? "left" : "what a tag names"}`);
    }
    for await (const { key } of inner.list(trashPrefix(layout))) violate(`${key} is left`);
  });
  const outcome = await sim.run();
  for (const { task, error } of outcome.failures) violate(`${task} failed: ${String(error)}`);
  if (outcome.ended !== "done") violate(`the end ended with ${outcome.ended}`);
}

function add({ names }: Oracle, digest: Digest, by: number): void {
  names.set(digest, (names.get(digest) ?? 0) + by);
}

/** Tags, pins and leases as lists, each of which is read in one instant. */
interface ModelRoots extends GcRoots {
  append(digest: Digest): void;
  readonly pinned: Map<Digest, number>;
  readonly leased: Map<Digest, number>;
}

function modelRoots({ sim }: World): ModelRoots {
  const history: Digest[] = [];
  const pinned = new Map<Digest, number>();
  const leased = new Map<Digest, number>();
  const held = (map: Map<Digest, number>): Digest[] =>
    [...map].flatMap(([digest, times]) => (times > 0 ? [digest] : []));
  const entry = (seq: number): TagEntry | undefined => {
    const digest = history[seq - 1];
    if (digest === undefined) return undefined;
    const time = new Date(seq).toISOString();
    const rest = { namespace: "n", tag: "t", nonce: "", actor: "", client: "", recent: [] };
    return { ...rest, seq, op: "set", target: { digest }, time, sha256: "" };
  };
  const log = {
    head: async () => {
      await sim.point("roots", "head");
      return entry(history.length);
    },
    get: async (_: string, seq: number) => {
      await sim.point("roots", `get ${seq}`);
      return entry(seq);
    },
    async *list() {
      await sim.point("roots", "list tags");
      if (history.length > 0) yield "t";
    },
  };
  return {
    append: (digest) => void history.push(digest),
    pinned,
    leased,
    async *namespaces() {
      yield "n";
    },
    // The rest of the contract is not asked for.
    tags: () => log as unknown as TagLog,
    async *pins() {
      await sim.point("roots", "list pins");
      yield* held(pinned);
    },
    async *leases() {
      await sim.point("roots", "list leases");
      const digests = held(leased);
      const rest = { namespace: "n", id: "l", collections: [], holder: "", reason: undefined };
      yield { ...rest, digests, lapsedMs: undefined, remove: () => Promise.resolve(false) };
    },
  };
}

/** Roots that take long to be read, as those of millions of tags do. */
function slowed(roots: ModelRoots, clock: Clock): GcRoots {
  return {
    ...roots,
    async *pins(namespace, call) {
      await sleep(clock, graceMs / 3);
      yield* roots.pins(namespace, call);
      await sleep(clock, graceMs / 3);
    },
  };
}
