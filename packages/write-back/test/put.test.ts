import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isStoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { writeBack } from "../src/index.ts";
import { heardAlarms } from "./alarms.ts";
import { handClock, settle } from "./hand-clock.ts";
import { blob, gate, journalDirectory, pendingPath } from "./journal-directory.ts";
import { lossyFiles, lossyFilesWith } from "./lossy-files.ts";
import { rawOrigin, streamed } from "./raw-origin.ts";

const alarms = heardAlarms();

describe("a put", () => {
  // The origin is stuck: the put is acknowledged all the same, and the file is there, whole, alone.
  test("is acknowledged by the disk alone, and reaches the origin later", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const stuck = gate();
    origin.before = stuck.wait;
    const journal = await directory.open(origin);
    const bytes = blob(1, 300_000);
    const { digest, size, outcome } = await journal.put(streamed(bytes));
    expect({ size, outcome }).toEqual({ size: 300_000, outcome: "created" });
    const file = await readFile(pendingPath(directory.path, digest));
    expect(Buffer.compare(file, bytes)).toBe(0);
    expect((await stat(pendingPath(directory.path, digest))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(directory.path, "tmp"))).toEqual([]);
    expect(origin.blobs.size).toBe(0);
    expect(journal.status()).toMatchObject({ pendingEntries: 1, pendingBytes: 300_000 });
    stuck.open();
    await journal.settled(digest);
    expect(Buffer.compare(origin.blobs.get(digest) ?? new Uint8Array(), bytes)).toBe(0);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, usedBytes: 0 });
    expect(await readdir(dirname(pendingPath(directory.path, digest)))).toEqual([]);
  });

  // Both are pending when the second is put: it is hashed, not stored, and its wrong twin refused.
  test("of what is pending joins it, if it matches", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    origin.before = gate().wait;
    const journal = await directory.open(origin);
    const { digest } = await journal.put(blob(1));
    const again = await journal.put(streamed(blob(1)), { digest });
    expect(again).toEqual({ digest, size: 1000, outcome: "existed" });
    expect((await journal.put(blob(1))).outcome).toBe("existed");
    await expect(journal.put(blob(2), { digest })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(journal.status()).toMatchObject({ pendingEntries: 1, usedBytes: 1000 });
  });

  // A pending file is spoilt; whoever puts the blob again must not be told that it is there.
  test.each(["by digest", "without one"])("of what has gone bad replaces it, %s", async (how) => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const stuck = gate();
    origin.before = stuck.wait;
    const journal = await directory.open(origin, { concurrencyMax: 1 });
    await journal.put(blob(7));
    const { digest } = await journal.put(blob(1));
    await writeFile(pendingPath(directory.path, digest), blob(2));
    const options = how === "by digest" ? { digest } : {};
    expect((await journal.put(blob(1), options)).outcome).toBe("created");
    expect(alarms.map(({ kind }) => kind)).toEqual(["pending-rotten"]);
    expect(await readdir(join(directory.path, "rotten"))).toHaveLength(1);
    stuck.open();
    await journal.drain();
    expect(Buffer.compare(origin.blobs.get(digest) ?? new Uint8Array(), blob(1))).toBe(0);
    expect(journal.status().failedEntries).toBe(0);
  });

  // What the origin can never hold must not be acknowledged.
  test("by an algorithm that the origin does not hold is UNSUPPORTED", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const { capabilities } = origin;
    const only = { ...origin, capabilities: { ...capabilities, algorithms: ["sha1" as const] } };
    const journal = await directory.open(only);
    await expect(journal.put(blob(1))).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const none = { ...origin, capabilities: { ...capabilities, put: false } };
    const other = await (await journalDirectory()).open(none);
    await expect(other.put(blob(1))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  // One byte more than the journal takes: known, it never touches the disk; unknown, what was staged
  // is given to the origin with the rest, though the body can be read once only.
  test.each(["known", "unknown"])("of more than bytesMax goes to the origin: %s", async (size) => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const journal = await directory.open(origin, { bytesMax: 300_000 });
    const bytes = blob(1, 300_001);
    let opened = 0;
    const once = async function* () {
      opened += 1;
      yield* streamed(bytes, 7000)();
    };
    const put = await journal.put(size === "known" ? bytes : once);
    expect(put).toMatchObject({ size: 300_001, outcome: "created" });
    expect(Buffer.compare(origin.blobs.get(put.digest) ?? new Uint8Array(), bytes)).toBe(0);
    expect(opened).toBe(size === "known" ? 0 : 1);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, usedBytes: 0 });
    expect(await readdir(join(directory.path, "tmp"))).toEqual([]);
    const whole = blob(2, 300_000);
    origin.before = gate().wait;
    await journal.put(streamed(whole));
    expect(journal.status()).toMatchObject({ pendingBytes: 300_000 });
  });

  // The disk says no at each call that a put makes: nothing is acknowledged, nothing is left behind.
  test.each([
    ["create", "ENOSPC", "UNAVAILABLE"],
    ["append", "ENOSPC", "UNAVAILABLE"],
    ["append", "EFBIG", "TOO_LARGE"],
    ["sync", "EIO", "UNAVAILABLE"],
    ["link", "EDQUOT", "UNAVAILABLE"],
    ["syncFolder", "EIO", "UNAVAILABLE"],
    ["link", "EACCES", "PERMISSION_DENIED"],
  ])("whose %s fails with %s is %s", async (call, errno, code) => {
    const files = lossyFiles();
    const journal = await writeBack(rawOrigin(), { directory: "/j", bytesMax: 10_000, files });
    files.failing = (name, path) =>
      name === call && (call !== "syncFolder" || path.includes("/sha256/")) ? errno : undefined;
    await expect(journal.put(blob(1))).rejects.toMatchObject({ code });
    files.failing = undefined;
    expect([...files.walk("/j/pending").keys(), ...files.walk("/j/tmp").keys()]).toEqual([]);
    expect(journal.status()).toMatchObject({ pendingEntries: 0, usedBytes: 0 });
    await journal.put(blob(1));
    await journal.drain();
    await journal[Symbol.asyncDispose]();
  });
});

describe("room", () => {
  // Exactly bytesMax fits. One byte more waits, and goes on as an upload gives room back.
  test("is pushed back for at the limit, and goes on as it is freed", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const stuck = gate();
    origin.before = stuck.wait;
    const journal = await directory.open(origin, { bytesMax: 2000 });
    await journal.put(blob(1));
    await journal.put(blob(2));
    expect(journal.status().usedBytes).toBe(2000);
    let isDone = false;
    const waiting = journal.put(blob(3, 1)).then(() => (isDone = true));
    await settle();
    expect(isDone).toBe(false);
    stuck.open();
    await waiting;
    await journal.drain();
    expect(origin.blobs.size).toBe(3);
  });

  // entriesMax is held as bytesMax is; who waits too long is told when to come back, and nothing of
  // it is stored; who aborts leaves the line.
  test("runs out by entries too; the wait is bounded", async () => {
    const clock = handClock();
    const origin = rawOrigin();
    origin.before = gate().wait;
    const journal = await writeBack(origin, {
      directory: "/j",
      bytesMax: 2 ** 20,
      entriesMax: 2,
      clock,
      files: await lossyFilesWith("/j"),
      limits: { waitMs: 5000 },
    });
    await journal.put(blob(1));
    await journal.put(new Uint8Array(0));
    const refused = journal.put(blob(3)).catch((error: unknown) => error);
    const abort = new AbortController();
    const left = journal.put(blob(4), { signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(4999);
    abort.abort();
    expect(await left).toMatchObject({ code: "ABORTED" });
    expect(journal.status().pendingEntries).toBe(2);
    await clock.advance(1);
    expect(await refused).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 5000 });
    expect(journal.status()).toMatchObject({ pendingEntries: 2, usedBytes: 1000 });
  });

  // Two bodies of unknown size take all there is and both want more: one is refused at once, or both
  // would wait for each other, and the other one is stored.
  test("is not waited for by puts that hold all of it", async () => {
    const journal = await writeBack(rawOrigin(), {
      directory: "/j",
      bytesMax: 10_000,
      clock: handClock(),
      files: await lossyFilesWith("/j"),
      limits: { gatherBytes: 1000, stepBytes: 1000 },
    });
    const both = [0, 1].map((n) => journal.put(streamed(blob(n, 9000))));
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = results.find((each) => each.status === "rejected");
    expect(isStoreError(refused?.reason, "RATE_LIMITED")).toBe(true);
  });
});
