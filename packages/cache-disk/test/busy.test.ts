import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { isStoreError } from "@bitstore/core";
import { blob, bytesOf, cacheDirectory } from "./cache-directory.ts";

describe("an index that another process keeps locked", () => {
  it("holds up no read and not the event loop; a put waits, and then works", async () => {
    // The other process is another connection here, which is all the same to SQLite.
    const directory = await cacheDirectory();
    const cache = await directory.open({ limits: { flushMs: 1 } });
    const { digest } = await cache.put(blob(1));
    const other = new DatabaseSync(join(directory.path, "index.sqlite"));
    other.exec("BEGIN IMMEDIATE");
    let settled = false;
    const put = cache.put(blob(2)).finally(() => (settled = true));
    let turns = 0;
    let longestMs = 0;
    for (let last = performance.now(); turns < 300; turns += 1) {
      expect(await bytesOf(await cache.open(digest))).toHaveLength(1000);
      expect(await cache.stat(digest)).toBeDefined();
      const now = performance.now();
      longestMs = Math.max(longestMs, now - last);
      last = now;
    }
    expect(settled).toBe(false);
    // Waiting in SQLite itself would take its busy timeout, seconds, in one turn.
    expect(longestMs).toBeLessThan(2000);
    other.exec("COMMIT");
    other.close();
    expect(await put).toMatchObject({ outcome: "created" });
    await expect.poll(async () => (await cache.stats()).hits).toBe(300);
  });

  it("for longer than busyMs makes a put fail, with a clause that says what to do", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ limits: { busyMs: 60 } });
    const other = new DatabaseSync(join(directory.path, "index.sqlite"));
    other.exec("BEGIN IMMEDIATE");
    const put = cache.put(blob(2));
    await expect(put).rejects.toSatisfy((error) => isStoreError(error, "UNAVAILABLE"));
    await expect(cache.put(blob(2))).rejects.toThrow("locked by another process; try again");
    other.exec("COMMIT");
    other.close();
    expect(await cache.put(blob(2))).toMatchObject({ outcome: "created" });
    expect(await cache.stats()).toMatchObject({ heldBytes: 0, entries: 1 });
  });
});
