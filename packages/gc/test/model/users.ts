import type { BlobStore, Descriptor, Digest } from "@bitstore/core";
import { graceMs, type ModelBlob, short } from "./blobs.ts";
import type { ModelRoots } from "./model-roots.ts";
import { idle, isOfWeather, type World } from "./world.ts";

/** Who uses the store while it is collected, each under the name of its lane. */
export function usersOf(
  world: World,
  roots: ModelRoots,
): Readonly<Record<string, (lane: string) => Promise<void>>> {
  return {
    "putter-a": (lane) => putter(world, lane),
    "putter-b": (lane) => putter(world, lane),
    tagger: (lane) => tagger(world, roots, lane, true),
    "read-only tagger": (lane) => tagger(world, roots, lane, false),
    pinner: (lane) => holder(world, roots, lane, roots.pinned),
    leaser: (lane) => holder(world, roots, lane, roots.leased),
    reader: (lane) => reader(world, lane, true),
    "read-only reader": (lane) => reader(world, lane, false),
    deleter: (lane) => deleter(world, lane),
  };
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
      if (startMs >= (oracle.deletedUntilMs.get(digest) ?? 0)) {
        oracle.putAtMs.set(digest, sim.timeMs);
      }
      count(`put ${outcome}`);
    } catch (error) {
      if (!isOfWeather(error)) throw error;
      count("put failed");
    }
  }
}

async function deleter(world: World, lane: string): Promise<void> {
  const { sim, oracle, count } = world;
  const deletable = world.blobs.filter((blob) => blob.deletable);
  if (deletable.length === 0) return;
  const store = world.storeOf(lane);
  for (let round = 0; round < 3; round += 1) {
    await idle(world, lane);
    const { digest } = sim.random.pick(deletable);
    // What is late may come at any time within its bound.
    oracle.deletedUntilMs.set(digest, Number.POSITIVE_INFINITY);
    oracle.putAtMs.delete(digest);
    try {
      await store.delete(digest);
      count("deleted");
    } catch (error) {
      if (!isOfWeather(error)) throw error;
      count("delete failed");
      await sim.pause(lane, "late requests", 250_000);
    }
    await sim.pause(lane, "late requests", 1);
    oracle.deletedUntilMs.set(digest, sim.timeMs);
  }
}

async function tagger(
  world: World,
  roots: ModelRoots,
  lane: string,
  restores: boolean,
): Promise<void> {
  const { sim, oracle, count } = world;
  const nameable = nameableOf(world);
  if (nameable.length === 0) return;
  const store = world.storeOf(lane, restores);
  for (let round = 0; round < 3; round += 1) {
    await idle(world, lane, 4);
    const { digest } = sim.random.pick(nameable);
    const since = oracle.readableSince(digest);
    const found = await statOf(store, digest, count);
    if (found === undefined) {
      const must = since !== undefined && since === oracle.readableSince(digest);
      if (must && !world.isStormy) world.violate(`${lane} is told that ${short(digest)} is gone`);
      continue;
    }
    // The entry is written a while after its target was looked for.
    await sim.pause(lane, "append", sim.random.below(sim.random.pick([100, graceMs / 5])));
    roots.append(digest);
    oracle.name(digest, 1);
    count("tagged");
    await sim.point(lane, "acknowledged");
  }
}

/** Pins or leases a blob, for a while; what it names now and then goes on to a tag. */
async function holder(
  world: World,
  roots: ModelRoots,
  lane: string,
  held: Map<Digest, number>,
): Promise<void> {
  const { sim, oracle, count } = world;
  const store = world.storeOf(lane);
  const nameable = nameableOf(world);
  if (nameable.length === 0) return;
  for (let round = 0; round < 3; round += 1) {
    await idle(world, lane);
    const { digest } = sim.random.pick(nameable);
    held.set(digest, (held.get(digest) ?? 0) + 1);
    await sim.point(lane, "held");
    const isHeld = (await statOf(store, digest, count)) !== undefined;
    if (isHeld) oracle.name(digest, 1);
    await idle(world, lane, 7);
    if (isHeld && sim.random.chance(0.3)) {
      roots.append(digest);
      oracle.name(digest, 1);
      count("handed on");
    }
    await sim.point(lane, "let go");
    if (isHeld) oracle.name(digest, -1);
    held.set(digest, (held.get(digest) ?? 0) - 1);
    count("let go");
  }
}

async function reader(world: World, lane: string, restores: boolean): Promise<void> {
  const { sim, blobs, oracle, violate, count } = world;
  const store = world.storeOf(lane, restores);
  for (let round = 0; round < 10; round += 1) {
    await idle(world, lane);
    const { digest, bytes } = sim.random.pick(blobs);
    const since = oracle.readableSince(digest);
    const content = await store.open(digest);
    const got = content === undefined ? undefined : await content.bytes();
    // It must have been readable from before the read began until now.
    const must = since !== undefined && since === oracle.readableSince(digest);
    if (got !== undefined && !Buffer.from(got).equals(bytes)) violate(`${lane} read wrong bytes`);
    if (got === undefined && must) violate(`${lane} misses ${short(digest)}`);
    count(got === undefined ? "read missed" : "read");
  }
}

function nameableOf({ blobs }: World): readonly ModelBlob[] {
  return blobs.filter(({ deletable }) => !deletable);
}

async function statOf(
  store: BlobStore,
  digest: Digest,
  count: World["count"],
): Promise<Descriptor | undefined> {
  try {
    const found = await store.stat(digest);
    count(found === undefined ? "stat missed" : "stat found");
    return found;
  } catch (error) {
    if (!isOfWeather(error)) throw error;
    return undefined;
  }
}
