import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type BlobStore, collect, digestOf, openBody, parseDigest } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { writeBack } from "../src/index.ts";
import { settle } from "./hand-clock.ts";
import { blob, gate, journalDirectory, pendingPath } from "./journal-directory.ts";
import { rawOrigin } from "./raw-origin.ts";

describe("the read side", () => {
  // A cache tier: what is pending can be read, listed and deleted, and nothing can be filled in.
  test("has what is pending, and takes no fills", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    origin.before = gate().wait;
    const { source, ...journal } = await directory.open(origin);
    const { digest } = await journal.put(blob(1));
    expect(source.capabilities).toMatchObject({ put: false, delete: true, list: true });
    await expect(source.put(blob(2))).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(await source.stat(digest)).toEqual({ digest, size: 1000 });
    const part = await source.open(digest, { range: { start: 10, end: 20 } });
    expect(part).toMatchObject({ role: "cache", size: 1000, verified: false });
    expect(
      Buffer.compare((await part?.bytes()) ?? new Uint8Array(), blob(1).subarray(10, 20)),
    ).toBe(0);
    const wrong = source.open(digest, { version: "pending-1-1" });
    await expect(wrong).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
  });

  // The upload is under way and does not heed its abort: the delete resolves only once that is over,
  // so that a delete at the origin that follows has the last word. Who waits is told.
  test("deletes durably, and after the upload has ended", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const [begun, late] = [gate(), gate()];
    origin.before = async () => {
      begun.open();
      await late.wait();
    };
    origin.isDeaf = () => true;
    const journal = await directory.open(origin, { limits: { cancelMs: 60_000 } });
    const { digest } = await journal.put(blob(1));
    await begun.wait();
    const told = journal.settled(digest).catch((error: unknown) => error);
    let isDeleted = false;
    const deleting = journal.source.delete(digest).then((was) => (isDeleted = was));
    await settle();
    expect(isDeleted).toBe(false);
    late.open();
    expect(await deleting).toBe(true);
    expect(await told).toMatchObject({ code: "NOT_FOUND" });
    expect(journal.status()).toMatchObject({ pendingEntries: 0, usedBytes: 0, uploading: 0 });
    expect(await journal.source.open(digest)).toBeUndefined();
    expect(await journal.source.delete(digest)).toBe(false);
    await journal.settled(digest);
  });

  // The file of a blob went bad while it was uploaded, and a second put of it set that aside. The first
  // upload has right bytes from before, and is deaf to its abort: the delete waits for it too.
  test("deletes after every upload of the blob, also one whose file was set aside", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const [begun, late, over] = [gate(), gate(), gate()];
    origin.isDeaf = () => true;
    const first = blob(1);
    const put = origin.put;
    let puts = 0;
    const deaf: BlobStore = {
      ...origin,
      async put(body, options) {
        puts += 1;
        if (puts > 1) return await put(body, options);
        const bytes = await collect(openBody(body));
        begun.open();
        await late.wait();
        return await put(bytes, options).finally(over.open);
      },
    };
    const journal = await directory.open(deaf, { limits: { cancelMs: 60_000 } });
    const { digest } = await journal.put(first);
    await begun.wait();
    await writeFile(pendingPath(directory.path, digest), blob(2));
    await journal.put(first, { digest });
    await journal.settled(digest);
    const deleting = journal.source.delete(digest).then(() => origin.delete(digest));
    // As long as a delete takes that does not wait.
    await Promise.race([deleting, pause(200)]);
    late.open();
    await over.wait();
    await deleting;
    expect(origin.blobs.has(digest)).toBe(false);
  });
});

describe("a directory", () => {
  test.each([
    ["other files", "notes.txt", "x"],
    ["another format", "_bitstore.json", '{"format":"bitstore-cache"}'],
    [
      "a newer format",
      "_bitstore.json",
      '{"format":"bitstore-write-back","layout":"ab","minReader":2,"minWriter":2}',
    ],
    ["nonsense", "_bitstore.json", "{"],
  ])("that holds %s is refused", async (_, name, text) => {
    const directory = await journalDirectory();
    await writeFile(join(directory.path, name), text);
    await expect(directory.open(rawOrigin())).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await readFile(join(directory.path, name), "utf8")).toBe(text);
  });

  test("is made with the folders above it", async () => {
    const { path } = await journalDirectory();
    const directory = join(path, "a", "b");
    await using journal = await writeBack(rawOrigin(), { directory, bytesMax: 1000 });
    await journal.put(blob(1));
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  // Symbolic links and foreign names under pending are neither followed nor removed.
  test("keeps what is not its own", async () => {
    const directory = await journalDirectory();
    const first = await directory.open(rawOrigin());
    await first[Symbol.asyncDispose]();
    const digest = parseDigest("aa".repeat(32));
    await mkdir(pendingPath(directory.path, digest), { recursive: true });
    await writeFile(join(directory.path, "pending", "sha256", "aa", "notes"), "x");
    const second = await directory.open(rawOrigin());
    expect(second.status().pendingEntries).toBe(0);
  });

  test.each([{ bytesMax: 0 }, { entriesMax: 1.5 }, { concurrencyMax: -1 }])(
    "is not opened with %o",
    async (options) => {
      const directory = await journalDirectory();
      const opening = directory.open(rawOrigin(), options);
      await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    },
  );
});

describe("disposal", () => {
  // One upload can end in time, one can't: the first is done, the second goes on at the next start.
  test("lets uploads end, keeps the rest, and takes no more", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    const stuck = await digestOf(blob(2), "sha256");
    origin.before = async (digest) => {
      await settle();
      if (digest === stuck) await gate().wait();
    };
    const journal = await directory.open(origin);
    const { digest } = await journal.put(blob(1));
    await journal.put(blob(2));
    const told = journal.settled(stuck).catch((error: unknown) => error);
    await journal[Symbol.asyncDispose]();
    expect([...origin.blobs.keys()]).toEqual([digest]);
    expect(await told).toMatchObject({ code: "UNAVAILABLE" });
    await expect(journal.put(blob(3))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    origin.before = undefined;
    const next = await directory.open(origin);
    await next.drain();
    expect(origin.blobs.has(stuck)).toBe(true);
  });

  // A drain waits for what is pending when it is called, and can be left.
  test("a drain is left by its signal", async () => {
    const directory = await journalDirectory();
    const origin = rawOrigin();
    origin.before = gate().wait;
    const journal = await directory.open(origin);
    await journal.drain();
    await journal.put(blob(1));
    const abort = new AbortController();
    const draining = journal.drain(abort.signal);
    abort.abort();
    await expect(draining).rejects.toMatchObject({ code: "ABORTED" });
  });
});
