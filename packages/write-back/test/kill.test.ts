import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fsBucket } from "@bitstore/bucket-fs";
import { bucketStore, type Digest, digestOf, parseDigest, shardedLayout } from "@bitstore/core";
import { seededRandom } from "@bitstore/conformance";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBack } from "../src/index.ts";
import { runChild } from "./child-process.ts";

/** Kills of one run; `BITSTORE_KILLS` asks for more. */
const kills = Number(process.env["BITSTORE_KILLS"] ?? 64);
const lanes = 2;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bitstore-kill-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Names under `pending` whose files are not what they say. */
async function halfWritten(directory: string): Promise<string[]> {
  const pending = join(directory, "pending");
  const names = await readdir(pending, { recursive: true, withFileTypes: true }).catch(() => []);
  const wrong: string[] = [];
  for (const file of names.filter((each) => each.isFile())) {
    const bytes = await readFile(join(file.parentPath, file.name));
    if ((await digestOf(bytes, "sha256")) !== `sha256:${file.name}`) wrong.push(file.name);
  }
  return wrong;
}

/** Lets processes put into one journal and kills them, one after the other. */
async function killAndCompare(lane: number): Promise<void> {
  const [directory, origin] = [join(root, `journal-${lane}`), join(root, `origin-${lane}`)];
  const random = seededRandom(lane + 1);
  const acknowledged = new Set<Digest>();
  for (let kill = 0; kill < kills / lanes; kill += 1) {
    const child = runChild("put-loop", directory, origin);
    // Some die while they open, most in the middle of puts and uploads.
    const isEarly = random.chance(0.1);
    if (!isEarly) expect(await child.line(), child.stderr()).toBe("open");
    await pause(random.below(isEarly ? 400 : 180));
    child.kill();
    for (const line of await child.rest()) {
      if (line !== "open") acknowledged.add(parseDigest(line));
    }
    expect(child.stderr()).toBe("");
    expect(await halfWritten(directory)).toEqual([]);
  }
  const store = bucketStore(await fsBucket({ root: origin, create: true }), shardedLayout(""));
  const journal = await writeBack(store, { directory, bytesMax: 4 * 2 ** 20 });
  await journal.drain(AbortSignal.timeout(30_000));
  expect(journal.status()).toMatchObject({ pendingEntries: 0, failedEntries: 0 });
  await journal[Symbol.asyncDispose]();
  expect(acknowledged.size).toBeGreaterThan(kills);
  for (const digest of acknowledged) {
    const bytes = await (await store.open(digest))?.bytes();
    expect(await digestOf(bytes ?? new Uint8Array(0), "sha256"), "at the origin").toBe(digest);
  }
  expect(await readdir(join(directory, "tmp"))).toEqual([]);
  for await (const { digest } of store.list()) {
    const bytes = await (await store.open(digest))?.bytes();
    expect(await digestOf(bytes ?? new Uint8Array(0), "sha256")).toBe(digest);
  }
}

describe("SIGKILL", () => {
  // A process puts through the journal to an origin that is slow and fails, and is killed at a random
  // moment; the next one goes on in the same directory. After each kill no file under a blob's name is
  // half-written; at the end all that was acknowledged is at the origin, whole.
  test(
    "loses nothing that was acknowledged",
    async () => {
      await Promise.all(Array.from({ length: lanes }, (_, lane) => killAndCompare(lane)));
    },
    60_000 + kills * 4000,
  );
});

describe("a directory's owner", () => {
  // One process owns the journal; a second is refused, a third waits, and gets it once the first was
  // killed: the system gives the lock back as a process dies.
  test("is one process, until it dies", async () => {
    const directory = join(root, "owned");
    const first = runChild("own-directory", directory);
    expect(await first.line()).toBe("open");
    const second = runChild("own-directory", directory);
    expect(await second.line()).toBe("UNAVAILABLE");
    const third = runChild("own-directory", directory, "wait");
    const taken = third.line();
    const early = await Promise.race([taken, pause(300).then(() => "still waiting")]);
    expect(early).toBe("still waiting");
    first.kill();
    expect(await taken).toBe("open");
    const origin = bucketStore(
      await fsBucket({ root: join(root, "any"), create: true }),
      shardedLayout(""),
    );
    const here = writeBack(origin, { directory, bytesMax: 1000 });
    await expect(here).rejects.toMatchObject({ code: "UNAVAILABLE" });
    third.kill();
    await third.rest();
  });

  // In one process too, and the wait ends with its signal.
  test("is one journal of a process", async () => {
    const directory = join(root, "twice");
    const origin = bucketStore(
      await fsBucket({ root: join(root, "any"), create: true }),
      shardedLayout(""),
    );
    const options = { directory, bytesMax: 1000 };
    const journal = await writeBack(origin, options);
    await expect(writeBack(origin, options)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const signal = AbortSignal.timeout(50);
    const waiting = writeBack(origin, { ...options, takeover: "wait", signal });
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    const patient = writeBack(origin, { ...options, takeover: "wait" });
    await journal[Symbol.asyncDispose]();
    await (await patient)[Symbol.asyncDispose]();
  });
});
