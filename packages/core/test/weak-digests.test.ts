import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type AlarmEvent,
  type BlobStore,
  bucketStore,
  composite,
  defineTier,
  type Digest,
  digestOf,
  flatLayout,
  memoryBucket,
  weakDigests,
} from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { someBytes } from "./scripted-tier.ts";

const alarms: AlarmEvent[] = [];
const collect = (event: unknown): void => void alarms.push(event as AlarmEvent);
beforeEach(() => {
  alarms.length = 0;
  subscribe("bitstore:alarm", collect);
});
afterEach(() => void unsubscribe("bitstore:alarm", collect));

const bytes = someBytes(1000);

function setUp() {
  const metadata = memoryBucket("metadata");
  const source: BlobStore = bucketStore(memoryBucket("files"), flatLayout("", "sha1"));
  const open = () =>
    composite({
      tiers: [defineTier({ name: "files", source, origin: true })],
      weakDigests: weakDigests(metadata),
    });
  return { metadata, source, open };
}

const keyOf = (digest: Digest): string => `weak/sha1/${digest.slice(5, 7)}/${digest.slice(5)}`;

describe("weak digests", () => {
  // The first verified read writes down the SHA-256, once; later ones, also of another process,
  // agree with it, and a digest that is not weak leaves no record.
  test.each([1000, 5 * 2 ** 20])("are recorded at the first read of %d bytes", async (size) => {
    const { metadata, source, open } = setUp();
    const blob = someBytes(size);
    const digest = await digestOf(blob, "sha1");
    await source.put(blob, { digest });
    for (let process = 0; process < 2; process += 1) {
      const read = await (await open().open(digest))?.bytes();
      expect(read?.byteLength).toBe(size);
    }
    const record = await (await metadata.read(keyOf(digest)))?.bytes();
    expect(Buffer.from(record ?? []).toString()).toBe(await digestOf(blob, "sha256"));
    expect(metadata.size).toBe(1);
    expect(alarms).toEqual([]);
  });

  // Two files with one SHA-1 need a supercomputer, so the record of the other one is planted: the
  // read is refused with an alarm, and what is stored stays as it is.
  test.each([1000, 5 * 2 ** 20])("that name other bytes now (%d) are refused", async (size) => {
    const { metadata, source, open } = setUp();
    const blob = someBytes(size);
    const digest = await digestOf(blob, "sha1");
    await source.put(blob, { digest });
    await metadata.put(keyOf(digest), Buffer.from(await digestOf(someBytes(7), "sha256")));
    const read = async () => (await open().open(digest))?.bytes();
    await expect(read()).rejects.toMatchObject({
      code: size > 4 * 2 ** 20 ? "DIGEST_MISMATCH" : "UNAVAILABLE",
      message: expect.stringContaining("same sha1"),
    });
    expect(alarms[0]?.kind).toBe("weak-digest-collision");
    expect(await source.stat(digest)).toEqual({ digest, size });
  });

  test("are recorded by a put, and a put of other bytes stores nothing", async () => {
    const { metadata, source, open } = setUp();
    const digest = await digestOf(bytes, "sha1");
    await metadata.put(keyOf(digest), Buffer.from(await digestOf(someBytes(7), "sha256")));
    await expect(open().put(bytes, { digest })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await source.stat(digest)).toBeUndefined();
    const other = await open().put(someBytes(8), { algorithm: "sha1" });
    expect(await metadata.head(keyOf(other.digest))).toBeDefined();
    // A body that is not what the digest names leaves no record of itself under it.
    const wrong = await digestOf(someBytes(9), "sha1");
    await expect(open().put(bytes, { digest: wrong })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(await metadata.head(keyOf(wrong))).toBeUndefined();
  });

  // The metadata bucket is down: reads go on, and the alarm says that nothing was recorded.
  test("are read while the records can't be reached", async () => {
    const { metadata, source, open } = setUp();
    const digest = await digestOf(bytes, "sha1");
    await source.put(bytes, { digest });
    metadata.put = () => Promise.reject(new Error("down"));
    expect(await (await open().open(digest))?.bytes()).toEqual(bytes);
    expect(alarms[0]?.kind).toBe("weak-digest-unrecorded");
  });
});
