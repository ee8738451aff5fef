import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { digestOf } from "@bitstore/core";
import { cacheFolder } from "../src/cache-folder.ts";
import { departures } from "../src/departures.ts";
import { keyOf } from "../src/digest-key.ts";
import { indexFiles } from "../src/index-files.ts";
import { type IndexGuard, indexGuard } from "../src/index-guard.ts";
import { cacheSettings } from "../src/settings.ts";
import { blob, blobPath, cacheDirectory } from "./cache-directory.ts";
import { block, bytesIn } from "./disk-walk.ts";

/** A cache with one blob, and the parts of another handle of it, to go step by step. */
async function oneBlob() {
  const directory = await cacheDirectory();
  const cache = await directory.open();
  const { digest } = await cache.put(blob(1));
  const settings = cacheSettings({ directory: directory.path, bytesMax: 64 * block });
  const folder = cacheFolder(directory.path);
  const guard = await indexGuard(indexFiles(folder, settings), "cache", () => undefined);
  return { directory, cache, digest, folder, guard, leave: departures(guard, folder, "cache") };
}

const bytesOf = (guard: IndexGuard): Promise<number> =>
  guard.read("test", (index) => index.totals().bytes);

describe("what is taken out", () => {
  it("counts until its file is gone, and no longer", async () => {
    // Between each two steps the count must cover what the walk finds, for others may write then.
    const { directory, cache, digest, guard, leave } = await oneBlob();
    const begun = await leave.write("test", (index) => {
      const row = index.lookup(keyOf(digest));
      return row === undefined ? [] : leave.begin(index, [row]);
    });
    expect(await cache.open(digest)).toBeUndefined();
    expect([await bytesOf(guard), bytesIn(directory.path)]).toEqual([block, block]);
    expect(await leave.remove(begun, "test")).toBe(1);
    expect([await bytesOf(guard), bytesIn(directory.path)]).toEqual([block, 0]);
    await leave.settle("test");
    expect([await bytesOf(guard), bytesIn(directory.path)]).toEqual([0, 0]);
    await guard.close();
  });

  it("keeps a put of the same blob waiting, which then stands on a file of its own", async () => {
    const { cache, digest, guard, leave, directory } = await oneBlob();
    const begun = await leave.write("test", (index) => {
      const row = index.lookup(keyOf(digest));
      return row === undefined ? [] : leave.begin(index, [row]);
    });
    let settled = false;
    const put = cache.put(blob(1)).finally(() => (settled = true));
    await expect.poll(async () => (await cache.stats()).heldBytes).toBe(2 * block);
    // Turns of the event loop in which the put tries again and again.
    for (let turn = 0; turn < 20; turn += 1) await cache.stats();
    expect(settled).toBe(false);
    await leave.remove(begun, "test");
    await leave.settle("test");
    expect(await put).toMatchObject({ outcome: "created" });
    expect(existsSync(blobPath(directory.path, digest))).toBe(true);
    await guard.close();
  });

  it("from the quarantine leaves a good copy of the same blob alone", async () => {
    const { cache, digest, guard, leave } = await oneBlob();
    await cache.quarantine(digest);
    await cache.put(blob(1));
    const expelled = await leave.write("test", (index) => {
      const [hold] = index.holds.ofKind("quarantined");
      return hold === undefined ? undefined : leave.expel(index, hold);
    });
    expect(expelled?.key).toBeUndefined();
    // What another process would find, if this one died now.
    const [hold] = await guard.read("test", (index) => index.holds.ofKind("leaving"));
    expect(hold?.key).toBeUndefined();
    expect(await cache.put(blob(1))).toMatchObject({ outcome: "existed" });
    await leave.remove(expelled === undefined ? [] : [expelled], "test");
    expect(await cache.open(digest)).toBeDefined();
    await guard.close();
  });
});

it("the index's totals are the sums of its rows after every kind of change", async () => {
  const { cache, digest, guard, directory } = await oneBlob();
  await cache.put(blob(2, 9000));
  await cache.quarantine(digest);
  await cache.put(blob(3, 0));
  await cache.delete(await digestOf(blob(2, 9000), "sha256"));
  await cache.put(blob(4, 5000));
  const database = new DatabaseSync(join(directory.path, "index.sqlite"), { readOnly: true });
  const sum = (sql: string): number => Number(database.prepare(sql).get()?.["sum"]);
  const entries = sum("SELECT sum((size + 4095) / 4096 * 4096) AS sum FROM entries");
  const holds = sum("SELECT sum(bytes) AS sum FROM holds");
  database.close();
  expect(entries + holds).toBe(await bytesOf(guard));
  expect(await bytesOf(guard)).toBe(3 * block);
  await guard.close();
});
