import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type AlarmEvent,
  type BlobStore,
  bucketStore,
  type Composite,
  composite,
  contentOfBytes,
  defineTier,
  type Digest,
  digestOf,
  memoryBucket,
  type MemoryBucket,
  shardedLayout,
  type TierOptions,
} from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// A copy with wrong bytes in front of a good one: the read is served from the good one, an alarm names
// the tier, and the copy is replaced only in a tier that may be healed.

const layout = shardedLayout("");
const bytes = new TextEncoder().encode("what the digest names");
const wrong = new TextEncoder().encode("WHAT the digest names");

const alarms: AlarmEvent[] = [];
const onAlarm = (event: unknown): void => void alarms.push(event as AlarmEvent);
beforeEach(() => {
  alarms.length = 0;
  subscribe("bitstore:alarm", onAlarm);
});
afterEach(() => void unsubscribe("bitstore:alarm", onAlarm));

async function rotten(
  options: Omit<TierOptions, "name" | "source">,
): Promise<{ store: Composite; bucket: MemoryBucket; digest: Digest }> {
  const bucket = memoryBucket();
  const origin = bucketStore(memoryBucket(), layout);
  const { digest } = await origin.put(bytes);
  await bucket.put(layout.key(digest), wrong);
  const store = composite({
    tiers: [
      defineTier({ name: "rotten", source: bucketStore(bucket, layout), ...options }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
  });
  return { store, bucket, digest };
}

async function readOnce({ store, digest }: { store: Composite; digest: Digest }): Promise<string> {
  const content = await store.open(digest);
  expect(await content?.bytes()).toEqual(bytes);
  await store.drain();
  return content?.source ?? "";
}

async function stored(bucket: MemoryBucket, digest: Digest): Promise<string> {
  const content = await bucket.read(layout.key(digest));
  return new TextDecoder().decode(await content?.bytes());
}

describe("a wrong copy", () => {
  test.each([
    ["in a cache tier", { role: "cache" }],
    ["in a tier with heal=true", { heal: true, readOnly: false }],
  ] as const)("%s is replaced by what the next tier has", async (_, options) => {
    const { store, bucket, digest } = await rotten(options);
    expect(await readOnce({ store, digest })).toBe("origin");
    expect(await stored(bucket, digest)).toBe("what the digest names");
    expect(await readOnce({ store, digest })).toBe("rotten");
  });

  test.each([
    ["in a cache tier with heal=false", { role: "cache", heal: false }],
    ["in a tier that says nothing of it", { readOnly: false }],
    ["in a read-only tier, whatever it says", { heal: true, readOnly: true }],
    ["in a tier that is somebody else's", { heal: true }],
  ] as const)("%s is left as it is, and reported", async (_, options) => {
    const { store, bucket, digest } = await rotten(options);
    expect(await readOnce({ store, digest })).toBe("origin");
    expect(await readOnce({ store, digest })).toBe("origin");
    expect(await stored(bucket, digest)).toBe("WHAT the digest names");
    expect(alarms).toMatchObject([{ kind: "corrupt-copy", subject: digest, source: "rotten" }]);
  });
});

// The origin's copy is right, but the way from it was wrong twice, so that it is to be healed. While its
// put is not answered, another blob is deleted whose digest shares its count of deletions.
test("a copy at the origin that was healed outlives the delete of another blob", async () => {
  const digest = await digestOf(bytes, "sha256");
  const origin = bucketStore(memoryBucket(), layout);
  const mirror = bucketStore(memoryBucket(), layout);
  const other = await origin.put(new TextEncoder().encode("other 35301"));
  expect(other.digest.slice(0, 11)).toBe(digest.slice(0, 11));
  for (const each of [origin, mirror]) await each.put(bytes);
  const [put, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let lies = 2;
  const source: BlobStore = {
    ...origin,
    async open(asked, options) {
      if (asked !== digest || lies === 0) return await origin.open(asked, options);
      lies -= 1;
      return contentOfBytes({ size: wrong.byteLength, source: "origin" }, wrong);
    },
    async put(body, options) {
      const result = await origin.put(body, options);
      put.resolve();
      await answer.promise;
      return result;
    },
  };
  const store = composite({
    tiers: [
      defineTier({ name: "origin", source, origin: true, heal: true }),
      defineTier({ name: "mirror", source: mirror }),
    ],
  });
  expect((await store.open(digest))?.source).toBe("mirror");
  await put.promise;
  expect(await store.delete(other.digest)).toBe(true);
  answer.resolve();
  await store.drain();
  expect(await store.durable(digest)).toMatchObject({ digest });
});
