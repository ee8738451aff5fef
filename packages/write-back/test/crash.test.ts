import { describe, expect, test } from "vitest";
import { crashHistory } from "./crash-history.ts";

/** Histories of one run: `BITSTORE_CRASH_SEEDS` asks for more, `BITSTORE_CRASH_FIRST` for others. */
const seeds = Number(process.env["BITSTORE_CRASH_SEEDS"] ?? 1500);
const first = Number(process.env["BITSTORE_CRASH_FIRST"] ?? 1);

// A journal over a disk that loses what was not synced dies at random calls, by kills and by losses of
// power: whatever was acknowledged is at the origin in the end, what was deleted is not, and no byte is
// wrong. Each history is decided by its seed.
describe("crashes", () => {
  test(
    `${seeds} histories lose nothing, spoil nothing, and bring nothing back`,
    async () => {
      let acknowledged = 0;
      let crashes = 0;
      for (let seed = first; seed < first + seeds; seed += 1) {
        const history = await crashHistory(seed);
        expect(history.violations, `seed ${seed}`).toEqual([]);
        acknowledged += history.acknowledged;
        crashes += history.crashes;
      }
      // The histories did something, and most of the deaths fell into work.
      expect(acknowledged).toBeGreaterThan(seeds);
      expect(crashes).toBeGreaterThan(seeds);
    },
    60_000 + seeds * 40,
  );
});
