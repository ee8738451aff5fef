import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bucket, type Clock, memoryBucket } from "@bitstore/core";
import { faultyBucket, inTurn, noFaults } from "@bitstore/conformance";
import { metadataFormatKey, readMetadataFormat, tagLog, trustTargets } from "@bitstore/tags";
import { describe, expect, it } from "vitest";
import { digestNumber } from "./digests.ts";

// The object that describes the metadata is written once, by whoever is first, after the bucket was
// shown to honour create-if-absent; a format that is too new stops readers or writers before they do
// anything.

const fixture = readFileSync(join(import.meta.dirname, "fixtures", "metadata-1.json"));

const log = (bucket: Bucket, unsafeSingleWriter = false): ReturnType<typeof tagLog> =>
  tagLog(bucket, { checkTarget: trustTargets, unsafeSingleWriter });

/** A bucket whose service ignores the condition and answers as if it held. */
function overwriting(inner: Bucket = memoryBucket()): Bucket {
  return {
    ...inner,
    serviceTime: () => inner.serviceTime(),
    async put(key, body, { ifAbsent, ...options } = {}) {
      await inner.put(key, body, options);
      return ifAbsent === true ? "created" : "replaced";
    },
  };
}

describe("the metadata's format", () => {
  it("is described by the first write, with an ID that stays", async () => {
    const bucket = memoryBucket();
    await expect(log(bucket).head("a")).resolves.toBeUndefined();
    await expect(readMetadataFormat(bucket)).resolves.toBeUndefined();
    await Promise.all([1, 2, 3, 4].map((n) => log(bucket).append("a", digestNumber(n))));
    const description = await readMetadataFormat(bucket);
    expect(description).toMatchObject({ minReader: 1, minWriter: 1, proved: ["memory: memory:"] });
    expect(description?.id).toMatch(/^[0-9a-f]{32}$/);
    await log(bucket).append("b", digestNumber(1));
    await expect(readMetadataFormat(bucket)).resolves.toEqual(description);
  });

  it("reads and writes what release 0.1 wrote", async () => {
    const bucket = memoryBucket("s3://meta");
    await bucket.put(metadataFormatKey, fixture);
    await log(bucket).append("a", digestNumber(1));
    const stored = await (await bucket.read(metadataFormatKey))?.bytes();
    expect(Buffer.from(stored ?? []).equals(fixture)).toBe(true);
  });

  it("of a later release stops readers, or writers alone", async () => {
    const written = JSON.parse(fixture.toString()) as object;
    const bucket = memoryBucket("s3://meta");
    const say = async (change: object): Promise<void> =>
      void (await bucket.put(
        metadataFormatKey,
        new TextEncoder().encode(JSON.stringify({ ...written, ...change })),
      ));
    await log(bucket).append("a", digestNumber(1));
    await say({ minWriter: 2 });
    await expect(log(bucket).head("a")).resolves.toMatchObject({ seq: 1 });
    const refused = { code: "UNSUPPORTED", message: expect.stringContaining("newer than this") };
    await expect(log(bucket).append("a", digestNumber(2))).rejects.toMatchObject(refused);
    await say({ minWriter: 2, minReader: 2 });
    await expect(log(bucket).head("a")).rejects.toMatchObject(refused);
    await say({ layout: "sharded" });
    await expect(log(bucket).head("a")).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await bucket.put(metadataFormatKey, new TextEncoder().encode("{"));
    await expect(log(bucket).head("a")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("is read anew where there was none, since a later release may have come", async () => {
    let nowMs = 0;
    const bucket = memoryBucket("s3://meta");
    const clock = { now: () => nowMs, after: () => () => undefined };
    const reader = tagLog(bucket, { checkTarget: trustTargets, clock });
    await reader.head("a");
    const later = { ...(JSON.parse(fixture.toString()) as object), minReader: 2 };
    await bucket.put(metadataFormatKey, new TextEncoder().encode(JSON.stringify(later)));
    await expect(reader.head("a")).resolves.toBeUndefined();
    nowMs += 60_001;
    await expect(reader.head("a")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("a description that changes while a log is open", () => {
  const clockAt = (now: () => number): Clock => ({ now, after: () => () => undefined });

  it("stops its writer within a minute", async () => {
    let nowMs = 0;
    const bucket = memoryBucket("s3://meta");
    const writer = tagLog(bucket, { checkTarget: trustTargets, clock: clockAt(() => nowMs) });
    await writer.append("a", digestNumber(1));
    const later = { ...(JSON.parse(fixture.toString()) as object), minWriter: 2 };
    await bucket.put(metadataFormatKey, new TextEncoder().encode(JSON.stringify(later)));
    nowMs += 60_001;
    await expect(writer.append("a", digestNumber(2))).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
  });

  it("keeps what a later release says in it", async () => {
    const bucket = memoryBucket("s3://copy");
    const more = { ...(JSON.parse(fixture.toString()) as object), anchors: ["x"] };
    await bucket.put(metadataFormatKey, new TextEncoder().encode(JSON.stringify(more)));
    await log(bucket).append("a", digestNumber(1));
    const stored = await (await bucket.read(metadataFormatKey))?.bytes();
    expect(JSON.parse(new TextDecoder().decode(stored))).toMatchObject({
      anchors: ["x"],
      proved: ["s3://meta memory:", "s3://copy memory:"],
    });
  });
});

describe("the proof of create-if-absent", () => {
  it("refuses writes to a bucket that ignores the condition, and stores nothing of them", async () => {
    const inner = memoryBucket();
    const refused = {
      code: "UNSUPPORTED",
      message: expect.stringContaining("two writers may both win"),
    };
    await expect(log(overwriting(inner)).append("a", digestNumber(1))).rejects.toMatchObject(
      refused,
    );
    await expect(log(inner).head("a")).resolves.toBeUndefined();
    await expect(readMetadataFormat(inner)).resolves.toBeUndefined();
    await expect(log(overwriting(inner), true).append("a", digestNumber(1))).resolves.toMatchObject(
      {
        seq: 1,
      },
    );
  });

  it("refuses a bucket that says of itself that it can't", async () => {
    const inner = memoryBucket();
    const unable: Bucket = {
      ...inner,
      serviceTime: () => inner.serviceTime(),
      capabilities: { ...inner.capabilities, createIfAbsent: false },
    };
    await expect(log(unable).append("a", digestNumber(1))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("it has no create-if-absent"),
    });
  });

  it("is made again where the objects were copied to another bucket", async () => {
    const copy = memoryBucket("s3://copy");
    await copy.put(metadataFormatKey, fixture);
    await expect(log(overwriting(copy)).append("a", digestNumber(1))).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
    await log(copy).append("a", digestNumber(1));
    await expect(readMetadataFormat(copy)).resolves.toMatchObject({
      id: "0123456789abcdef0123456789abcdef",
      proved: ["s3://meta memory:", "s3://copy memory:"],
    });
  });

  it("is made again for a bucket of the same name in another service", async () => {
    const mirror = memoryBucket("s3://meta");
    await mirror.put(metadataFormatKey, fixture);
    const elsewhere = { ...overwriting(mirror), service: "http://127.0.0.1:9000" };
    await expect(log(elsewhere).append("a", digestNumber(1))).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
  });

  it("is made once: later writers spend one GET on the description", async () => {
    const inner = memoryBucket();
    await log(inner).append("a", digestNumber(1));
    const counted = faultyBucket(inner, noFaults);
    await log(counted).append("a", digestNumber(2));
    const { ledger } = counted;
    expect([ledger.calls("read"), ledger.calls("list"), ledger.calls("put")]).toEqual([2, 1, 1]);
  });

  it("takes an outage for an outage, and tries again with the next write", async () => {
    const denied = faultyBucket(memoryBucket(), inTurn({ put: [{ fail: "PERMISSION_DENIED" }] }));
    const writer = log(denied);
    await expect(writer.append("a", digestNumber(1))).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
    });
    await expect(writer.append("a", digestNumber(1))).resolves.toMatchObject({ seq: 1 });
  });
});
