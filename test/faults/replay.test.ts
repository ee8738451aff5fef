import { expect, test } from "vitest";
import { replayWorkload } from "../../bench/replay/replay-workload.ts";

// Reads, existence questions, puts and deletes of two processes over the same buckets: a read asks no
// HEAD, and "durable?" is never answered by a cache or from memory, so it is right however many copies
// of what was deleted are left elsewhere. `npm run bench replay` replays more of it.

test("a read costs no HEAD, and no answer to durable? is false, beside concurrent deletes", async () => {
  for (const seed of [1, 2, 3]) {
    const options = { operations: 8000, seed, blobs: 200, lanes: 16 };
    const result = await replayWorkload(options);
    expect(result.falseDurable).toEqual([]);
    expect(result.wrongBytes).toBe(0);
    expect(result.headsPerGet).toBe(0);
    expect(result.durables).toBeGreaterThan(300);
    expect(result.deletes).toBeGreaterThan(100);
    // Each question about durability is asked at the origin, and those of puts are the only others.
    expect(result.origin.head).toBeGreaterThanOrEqual(result.durables);
  }
});
