import { setTimeout as pause } from "node:timers/promises";
import { readdir, readFile, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, StoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { writeBack } from "../src/index.ts";
import { heardAlarms } from "./alarms.ts";
import { handClock, settle } from "./hand-clock.ts";
import { blob, gate, journalDirectory, pendingPath } from "./journal-directory.ts";
import { lossyFilesWith } from "./lossy-files.ts";
import { rawOrigin } from "./raw-origin.ts";

const alarms = heardAlarms();

const failure = (
  code: ConstructorParameters<typeof StoreError>[0]["code"],
  retryAfterMs?: number,
): StoreError =>
  new StoreError({ code, operation: "put", source: "raw", message: "a fault", retryAfterMs });

describe("an upload", () => {
  // Eight blobs are found at the start, the files' times in another order than their names.
  test("goes oldest first, so many at a time", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    origin.before = gate().wait;
    const first = await directory.open(origin);
    const digests: Digest[] = [];
    for (let n = 0; n < 8; n += 1) digests.push((await first.put(blob(n))).digest);
    await first[Symbol.asyncDispose]();
    for (const [at, digest] of digests.entries()) {
      const seconds = 1_700_000_000 + ((at * 5) % 8);
      await utimes(pendingPath(directory.path, digest), seconds, seconds);
    }
    const next = rawOrigin();
    next.before = () => pause(20);
    const second = await directory.open(next, { concurrencyMax: 1 });
    expect(second.status().oldestMs).toBeGreaterThan(1000);
    await second.drain();
    const order = [0, 5, 2, 7, 4, 1, 6, 3].map((at) => digests[at]);
    expect(next.asked).toEqual(order);
    expect(next.now.most).toBe(1);
    await second[Symbol.asyncDispose]();
    const held = gate();
    next.before = held.wait;
    const third = await directory.open(next, { concurrencyMax: 3 });
    for (let n = 0; n < 8; n += 1) await third.put(blob(100 + n));
    expect(third.status().uploading).toBe(3);
    held.open();
    await third.drain();
    expect(next.now.most).toBe(3);
  });

  // The origin fails for a while: pauses grow up to the bound, Retry-After is obeyed to the
  // millisecond, only one blob is asked for while it fails, and nothing is given up.
  test("is tried again for ever where the failure passes", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    const times: number[] = [];
    origin.before = async () => {
      times.push(clock.now());
      await Promise.resolve();
      if (times.length === 1) throw failure("RATE_LIMITED", 120_000);
      if (times.length < 20) throw failure(times.length % 2 === 0 ? "INDETERMINATE" : "TIMEOUT");
    };
    const options = { directory: "/j", bytesMax: 10_000, clock, files: await lossyFilesWith("/j") };
    const journal = await writeBack(origin, { ...options, random: () => 0.999 });
    const { digest } = await journal.put(blob(1));
    await settle();
    expect(times).toHaveLength(1);
    await clock.advance(119_999);
    expect(times).toHaveLength(1);
    await clock.advance(1_300_000);
    const pauses = times.map((at, n) => at - (times[n - 1] ?? 0)).slice(2);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    expect(Math.max(...pauses)).toBeGreaterThan(59_000);
    expect(times).toHaveLength(20);
    expect(origin.blobs.has(digest)).toBe(true);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, failedEntries: 0 });
    expect(journal.status().lastError?.code).toBe("TIMEOUT");
    expect(alarms).toEqual([]);
  });

  // While an origin is down it is asked with one blob at a time, however many are pending.
  test("does not storm an origin that is down", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    origin.before = () => Promise.reject(failure("UNAVAILABLE"));
    const options = {
      directory: "/j",
      bytesMax: 2 ** 20,
      clock,
      files: await lossyFilesWith("/j"),
    };
    const journal = await writeBack(origin, { ...options, random: () => 0.5 });
    for (let n = 0; n < 50; n += 1) await journal.put(blob(n));
    await clock.advance(600_000);
    // Half of a minute is waited between two: some 20 in ten minutes, and a few while it grew.
    expect(origin.asked.length).toBeLessThan(40);
    origin.before = undefined;
    await clock.advance(600_000);
    expect(origin.blobs.size).toBe(50);
  });

  // An origin that refuses everybody, as with credentials that have expired, is not stormed either, and
  // what is pending goes on by itself once they are right.
  test("does not storm an origin that refuses everything", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    origin.before = () => Promise.reject(failure("UNAUTHENTICATED"));
    const options = { directory: "/j", bytesMax: 2 ** 20, clock };
    const files = await lossyFilesWith("/j");
    const journal = await writeBack(origin, { ...options, files, random: () => 0.5 });
    for (let n = 0; n < 200; n += 1) await journal.put(blob(n));
    await clock.advance(600_000);
    expect(origin.asked.length).toBeLessThan(60);
    expect(alarms).toHaveLength(origin.asked.length);
    origin.before = undefined;
    await clock.advance(2 * 3_600_000);
    expect(origin.blobs.size).toBe(200);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, failedEntries: 0 });
  });

  // One blob is told to come back in a minute while another is under way and arrives: the origin is
  // left alone for that minute all the same.
  test("obeys Retry-After though others arrive", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    const slow = gate();
    origin.before = async (digest) => {
      if (origin.asked.length > 2) return;
      if (digest === origin.asked[0]) await slow.wait();
      else throw failure("RATE_LIMITED", 60_000);
    };
    const files = await lossyFilesWith("/j");
    const options = { directory: "/j", bytesMax: 2 ** 20, clock, files, random: () => 0 };
    const journal = await writeBack(origin, options);
    await journal.put(blob(1));
    await journal.put(blob(2));
    await settle();
    slow.open();
    await settle();
    expect(origin.blobs.size).toBe(1);
    await journal.put(blob(3));
    await clock.advance(59_000);
    expect(origin.asked).toHaveLength(2);
    await clock.advance(2000);
    expect(origin.blobs.size).toBe(3);
  });

  // A blob that the origin refuses raises an alarm and stays; others pass it; it is tried every hour,
  // at a drain, and at the next start. Who waits for it is told.
  test("that is refused for good stays pending, with an alarm", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    const files = await lossyFilesWith("/j");
    const bad = await digestOf(blob(1), "sha256");
    origin.before = async (digest) => {
      await Promise.resolve();
      if (digest === bad) throw failure("PERMISSION_DENIED");
    };
    const options = { directory: "/j", bytesMax: 10_000, clock, files };
    const journal = await writeBack(origin, options);
    await journal.put(blob(1));
    const told = journal.settled(bad).catch((error: unknown) => error);
    const { digest } = await journal.put(blob(2));
    await journal.settled(digest);
    expect(await told).toMatchObject({ code: "PERMISSION_DENIED" });
    await expect(journal.settled(bad)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(alarms).toMatchObject([{ kind: "upload-refused", subject: bad, source: "raw" }]);
    expect(journal.status()).toMatchObject({ pendingEntries: 1, failedEntries: 1 });
    expect(journal.status().failedPermanently[0]).toMatchObject({ digest: bad, size: 1000 });
    const before = origin.asked.length;
    await clock.advance(3_599_000);
    expect(origin.asked).toHaveLength(before);
    await clock.advance(2000);
    expect(origin.asked).toHaveLength(before + 1);
    await expect(journal.drain()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(origin.asked).toHaveLength(before + 2);
    await journal[Symbol.asyncDispose]();
    origin.before = undefined;
    const next = await writeBack(origin, options);
    await next.drain();
    expect(origin.blobs.has(bad)).toBe(true);
    await next[Symbol.asyncDispose]();
  });

  // Files are spoilt while nobody looks: a flipped bit, a cut, a longer one, and one that is gone.
  test.each([
    ["flipped", (bytes: Uint8Array) => bytes.map((byte, at) => (at === 9 ? byte ^ 4 : byte))],
    ["cut", (bytes: Uint8Array) => bytes.subarray(0, 10)],
    ["longer", (bytes: Uint8Array) => Buffer.concat([bytes, bytes])],
  ])("never sends a file that was %s, and keeps it", async (_, change) => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    origin.before = gate().wait;
    for (const size of [1000, 200_000]) {
      const limits = { memoryBytesMax: 5000 };
      const first = await directory.open(origin, { limits });
      const { digest } = await first.put(blob(size, size));
      await first[Symbol.asyncDispose]();
      const path = pendingPath(directory.path, digest);
      await writeFile(path, change(await readFile(path)));
      const next = rawOrigin();
      const second = await directory.open(next, { limits });
      await expect(second.drain()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      expect(next.blobs.size).toBe(0);
      expect(alarms.at(-1)).toMatchObject({ kind: "pending-rotten", subject: digest });
      const kept = await readdir(join(directory.path, "rotten"));
      expect(kept.some((name) => name.includes(digest.slice(7)))).toBe(true);
      await expect(second.settled(digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      await second[Symbol.asyncDispose]();
      // It is remembered over restarts, until the blob is put again.
      const third = await directory.open(next, { limits });
      expect(third.status().failedEntries).toBeGreaterThan(0);
      await third.put(blob(size, size));
      await third.settled(digest);
      expect(next.blobs.has(digest)).toBe(true);
      // The right bytes have arrived, so nothing is left to be told of.
      expect(third.status().failedEntries).toBe(0);
      expect(await readdir(join(directory.path, "rotten"))).toEqual([]);
      await third[Symbol.asyncDispose]();
    }
  });

  test("whose file is gone is told of, and is no longer pending", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const stuck = gate();
    origin.before = stuck.wait;
    const journal = await directory.open(origin, { concurrencyMax: 1 });
    await journal.put(blob(1));
    const { digest } = await journal.put(blob(2));
    await unlink(pendingPath(directory.path, digest));
    const told = journal.settled(digest).catch((error: unknown) => error);
    stuck.open();
    expect(await told).toMatchObject({ code: "NOT_FOUND" });
    expect(alarms).toMatchObject([{ kind: "pending-lost", subject: digest }]);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, usedBytes: 0 });
  });
});
