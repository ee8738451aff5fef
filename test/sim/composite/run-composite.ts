import {
  climateScript,
  countedClock,
  type PickPolicy,
  type Random,
  scheduler,
  type Scheduler,
  scriptedBucket,
  seededBytes,
  seededPolicy,
  seededRandom,
  uniformPolicy,
  type WatchedOpen,
  watchedStore,
} from "@bitstore/conformance";
import {
  type BlobStore,
  bucketStore,
  type Clock,
  composite,
  defineTier,
  type Digest,
  limited,
  memoryCache,
  type OpenSpool,
  type MemoryCacheOptions,
  parseDigest,
  readOnly,
  shardedLayout,
  type Spool,
  spoolOpener,
  StoreError,
  type Tier,
  withBreaker,
  withHedge,
  withRetry,
  withTimeout,
} from "@bitstore/core";
import { hash } from "node:crypto";
import { disk } from "./disk.ts";
import { mount } from "./mounted-files.ts";
import type { Blob, Call, Observed, ObservedTier } from "./observed.ts";
import { performCaller, performOne, type Stage, wrongOf } from "./perform.ts";
import type { Violation } from "./rules.ts";
import type { Pace, Plan, PlannedEvent, PlannedTier } from "./plan.ts";

/** A history as it happened, and the scheduler that has its trace. */
export interface Ran {
  readonly observed: Observed;
  readonly scheduler: Scheduler;
}

/** What the parts of one run share. */
interface World {
  readonly plan: Plan;
  readonly sim: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  readonly blobs: readonly Blob[];
  readonly apart: WeakSet<AbortSignal>;
  readonly seen: Violation[];
  /** Those that are open. */
  readonly spools: Set<Spool>;
}

const layout = shardedLayout("", ["sha256"]);

/** Blobs of the same size are the same bytes in all histories, so that their digests are known. */
const blobsKnown = new Map<string, Blob>();

function blobOf(index: number, size: number): Blob {
  const name = `${index} ${size}`;
  const known = blobsKnown.get(name);
  if (known !== undefined) return known;
  const bytes = seededBytes(size, index * 100_000 + size + 1).slice();
  const digest = parseDigest(`sha256:${hash("sha256", bytes, "hex")}`);
  const blob = { index, digest, key: layout.key(digest), bytes };
  blobsKnown.set(name, blob);
  return blob;
}

/** The blob of each plan that no tier has at the start. */
const strangerBytes = 10;

/** Longer than anything is remembered: corrupt copies for ten minutes, breakers for less. */
const restMs = 15 * 60_000;

/** Plays a plan from its first step to quiet, reads all once more, and closes the composite. */
export async function runComposite(plan: Plan, isTraced = false): Promise<Ran> {
  const turns = seededRandom(plan.seed).fork("turns");
  const fair = uniformPolicy(turns, 0);
  // What must be so in calm weather can be told only where nobody starves.
  const isFair = plan.stormEndMs === 0 && turns.chance(0.6);
  const policy = fairInTheEnd(isFair ? fair : seededPolicy(turns), fair);
  const sim = scheduler(plan.seed, { isTraced, policy });
  const clock = countedClock(sim.clock("store"));
  const drawn = [...plan.sizes, strangerBytes].map((size, index) => blobOf(index, size));
  // The empty blob is one blob, however often a plan has it.
  const blobs = drawn.map((blob) => drawn.find(({ digest }) => digest === blob.digest) ?? blob);
  const random = sim.random.fork("layers");
  const world: World = {
    plan,
    sim,
    clock,
    random,
    blobs,
    apart: new WeakSet(),
    seen: [],
    spools: new Set(),
  };
  const files = disk(sim, { fullAt: plan.diskFullAt, pieceBytesMax: plan.pieceBytesMax });
  mount(files);
  const opened = await Promise.all(plan.tiers.map((tier, index) => openTier(world, tier, index)));
  const store = composite({
    tiers: opened.map(({ tier }) => tier),
    clock,
    limits: {
      verifyFirstBytesMax: plan.verifyFirstBytesMax,
      fillQueueBytesMax: plan.fillQueueBytesMax,
      fillsInFlightMax: plan.fillsInFlightMax,
      windowBytesMax: plan.windowBytesMax,
      // Memories for 100,000 entries are laid out when they are made: nine tenths of the time of a run.
      memoryEntriesMax: plan.memoryEntriesMax,
    },
    openSpool: openingSlowly(world, spoolOpener(plan.spool)),
  });
  const calls: Call[] = [];
  const stage: Stage = { sim, store, clock, blobs, calls, apart: world.apart };
  for (const { lane, operations } of plan.callers) {
    sim.spawn(lane, () => performCaller(stage, lane, operations));
  }
  for (const event of plan.events) {
    sim.spawn("world", () => happen(world, opened, event));
  }
  let outcome = await sim.run();
  const restFromStep = sim.step;
  policy.endUnfairness();
  if (outcome.ended === "done" && !plan.closesEarly) {
    sim.spawn("rest", () => performRest(stage));
    outcome = await sim.run();
  }
  const memoryLeft = new Map<Digest, Uint8Array>();
  let timersLeft = 0;
  if (outcome.ended === "done") {
    sim.spawn("end", async () => {
      await store.drain();
      const memory = opened.find(({ observed }) => observed.bucket === undefined);
      if (memory !== undefined) await takeStock(memory.tier.source, memoryLeft);
      await store[Symbol.asyncDispose]();
      await sim.point("end", "looks what is left");
      timersLeft = clock.pending;
    });
    outcome = await sim.run();
  }
  mount(undefined);
  return {
    scheduler: sim,
    observed: {
      plan,
      blobs,
      tiers: opened.map(({ observed }) => observed),
      calls,
      restFromStep,
      ended: outcome.ended,
      unfinished: [...outcome.unfinished, ...outcome.failures.map(({ error }) => String(error))],
      isSteady: sim.policy.isSteady,
      seen: world.seen,
      timersLeft,
      filesLeft: files.openFiles,
      spoolsLeft: world.spools.size,
      diskFills: files.fills,
      memoryLeft,
    },
  };
}

/** Lets others go on while a spool is opened, and keeps those that are not given back. */
function openingSlowly({ sim, spools }: World, open: OpenSpool): OpenSpool {
  return async (size) => {
    await sim.point("disk", "open a spool");
    const spool = await open(size);
    if (spool === undefined) return undefined;
    const kept: Spool = {
      get start() {
        return spool.start;
      },
      write: (chunk) => spool.write(chunk),
      end: (error) => spool.end(error),
      read: (from, options) => spool.read(from, options),
      async [Symbol.asyncDispose]() {
        spools.delete(kept);
        await spool[Symbol.asyncDispose]();
      },
    };
    spools.add(kept);
    return kept;
  };
}

/** Starves nobody any more from some point on: then what is asked has to be answered in time. */
function fairInTheEnd(
  unfair: PickPolicy,
  fair: PickPolicy,
): PickPolicy & { endUnfairness(): void } {
  let current = unfair;
  return {
    name: unfair.name,
    isSteady: unfair.isSteady,
    pick: (runnable, step) => current.pick(runnable, step),
    leaps: () => current.leaps(),
    endUnfairness() {
      current = fair;
    },
  };
}

async function takeStock(store: BlobStore, into: Map<Digest, Uint8Array>): Promise<void> {
  for await (const { digest } of store.list()) {
    const content = await store.open(digest);
    if (content !== undefined) into.set(digest, await content.bytes());
  }
}

interface OpenedTier {
  readonly tier: Tier;
  readonly observed: ObservedTier;
}

async function openTier(world: World, planned: PlannedTier, index: number): Promise<OpenedTier> {
  const { sim, plan } = world;
  const { name, kind, role, origin, heal, onFailure, forbiddenMeans, negativeTtlMs } = planned;
  const opened = kind === "memory" ? undefined : await openBucket(world, planned, `tier${index}`);
  const inner =
    opened?.store ?? budgeted(memoryCache(memoryLimits(world, planned)), world, planned);
  const isLast = index === plan.tiers.length - 1;
  const watched = watchedStore(inner, sim, (open, under) => {
    if (isLast) checkAlone(world, open, under);
  });
  const tier = defineTier({
    name,
    // The cache in memory is taken at its word by its own `open`, which nobody may stand before.
    source: kind === "memory" ? { ...watched, open: inner.open } : watched,
    role,
    origin,
    readOnly: planned.readOnly,
    heal,
    onFailure,
    forbiddenMeans,
    negativeTtlMs,
    price: kind === "api" ? { perRequest: 0.01, currency: "USD" } : undefined,
  });
  // By the rule, not by what the tier says of itself.
  const writable = (origin || role === "cache") && planned.readOnly !== true;
  return { tier, observed: { planned, index, writable, bucket: opened?.bucket, watched } };
}

/**
 * One fetch of a digest at a time from the last tier, where nothing keeps its callers apart: a spool
 * that keeps all of it, and neither ranges nor explanations.
 */
function checkAlone(
  { plan, apart, seen, blobs, sim }: World,
  open: WatchedOpen,
  under: ReadonlySet<WatchedOpen>,
): void {
  const { spool } = plan;
  const size = blobs.find(({ digest }) => digest === open.digest)?.bytes.byteLength ?? 0;
  if (size > spool.memoryBytesMax || size > spool.spoolBytesMax) return;
  if (spool.spoolsBytesMax < 1e6) return;
  const isShared = ({ options }: WatchedOpen): boolean =>
    options.range === undefined &&
    options.signal?.aborted !== true &&
    (options.signal === undefined || !apart.has(options.signal));
  if (!isShared(open)) return;
  for (const other of under) {
    if (other.digest === open.digest && isShared(other)) {
      const text =
        `two fetches of ${open.digest.slice(0, 13)} at the last tier at step ${sim.step}, ` +
        `the first since ${other.startStep}`;
      seen.push({ rule: "alone", text });
    }
  }
}

/** An entry comes out as one chunk, which is never as large as a whole spool. */
function memoryLimits({ plan }: World, { bytesMax }: PlannedTier): MemoryCacheOptions {
  return { bytesMax, entryBytesMax: Math.min(bytesMax / 2, plan.spool.spoolBytesMax) };
}

/** Looks after each put whether the cache in memory keeps within its budget. */
function budgeted(inner: BlobStore, { seen }: World, { bytesMax }: PlannedTier): BlobStore {
  return {
    ...inner,
    async put(body, options) {
      const result = await inner.put(body, options);
      let bytes = 0;
      for await (const { size } of inner.list()) bytes += size;
      if (bytes > bytesMax) {
        const text = `the cache in memory holds ${bytes} of ${bytesMax} bytes`;
        seen.push({ rule: "budget", text });
      }
      return result;
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

async function openBucket(
  { sim, clock, random, blobs }: World,
  planned: PlannedTier,
  label: string,
): Promise<{ readonly store: BlobStore; readonly bucket: ReturnType<typeof scriptedBucket> }> {
  const { name, kind, climate, limitedTo, hedges, holds, rotten } = planned;
  const script = climateScript(sim.random.fork(label), climate);
  const bucket = scriptedBucket({ scheduler: sim, name, script });
  const format = { layout: "sharded", minReader: 1, minWriter: 1 };
  await bucket.plant("_bitstore.json", new TextEncoder().encode(JSON.stringify(format)));
  for (const held of holds) {
    const blob = blobs[held];
    if (blob === undefined) continue;
    const cut = blob.bytes.subarray(0, blob.bytes.byteLength / 2);
    const wrong = planned.cuts && cut.byteLength > 0 ? cut : wrongOf(blob.bytes);
    await bucket.plant(blob.key, rotten.includes(held) ? wrong : blob.bytes);
  }
  let store = bucketStore(bucket, layout, {
    name,
    clock,
    memoryBytesMax: 500,
    restores: kind !== "api",
  });
  if (kind === "api") store = asApi(store);
  store = withTimeout(store, { clock });
  if (kind !== "api") store = limited(store, { concurrencyMax: limitedTo, adaptive: true });
  store = withBreaker(store, { clock, random: random.next, requestsMin: planned.breakerMin });
  store = withRetry(store, { clock, random: random.next });
  if (hedges && kind !== "api") store = withHedge(store, { clock, extraShareMax: 0.5 });
  return { store, bucket };
}

/** An API gives whole blobs, and nothing else. */
function asApi(inner: BlobStore): BlobStore {
  const source = readOnly(inner);
  const { capabilities } = source;
  return {
    ...source,
    capabilities: { ...capabilities, rangeRead: false, stat: false },
    stat: () => Promise.reject(unsupported("stat", source.name)),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

function unsupported(operation: string, source: string): StoreError {
  const message = "this API tells nothing but bytes";
  return new StoreError({ code: "UNSUPPORTED", operation, source, message });
}

async function happen(
  { sim, blobs }: World,
  tiers: readonly OpenedTier[],
  { atMs, tier, blob: index, kind }: PlannedEvent,
): Promise<void> {
  await sim.pause("world", `${kind} in tier ${tier}`, atMs);
  const bucket = tiers[tier]?.observed.bucket;
  const blob = blobs[index];
  if (bucket === undefined || blob === undefined) return;
  const now = bucket.now(blob.key);
  if (kind === "plant") await bucket.plant(blob.key, blob.bytes);
  if (kind === "lose") await bucket.plant(blob.key, undefined);
  if (now === undefined) return;
  if (kind === "rot") await bucket.plant(blob.key, wrongOf(blob.bytes));
  if (kind === "cut") await bucket.plant(blob.key, blob.bytes.subarray(0, now.byteLength / 2));
}

const eager: Pace = {
  takes: "stream",
  pauseMs: 0,
  leavesAfter: undefined,
  vanishes: false,
  disposes: true,
};

/** Reads all once more when the weather is over and all that passes by itself has passed. */
async function performRest(stage: Stage): Promise<void> {
  const { sim, store, blobs } = stage;
  const caller = { lane: "rest", versions: new Map<number, string>() };
  await store.drain();
  await sim.pause("rest", "waits until all is forgotten", restMs);
  for (const { index } of blobs) {
    // Wrong bytes of a tier are told at their end, once; the next read goes past them.
    for (let turn = 0; turn < 6; turn += 1) {
      const operation = { kind: "open", blob: index, pace: eager } as const;
      const { answer } = await performOne(stage, caller, operation);
      if (answer.kind !== "bytes" || answer.ended !== "DIGEST_MISMATCH") break;
    }
  }
  await store.drain();
}
