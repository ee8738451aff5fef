import { expect, test } from "vitest";
import { simulate } from "./gc-sim.ts";

// Histories of putters, taggers, readers, pins, leases, a user who deletes and two collectors without
// a lock, under seeded schedules (see gc-sim.ts): nothing is lost that was acknowledged, and garbage
// goes at last. That the simulation finds mistakes is shown by gc-mutants.test.ts.
test("nothing that is acknowledged or named is ever lost, whatever the order", async () => {
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= 500; seed += 1) {
    const result = await simulate(seed);
    expect(result.violations, `seed ${seed}`).toEqual([]);
    for (const [what, times] of Object.entries(result.counts)) {
      counts[what] = (counts[what] ?? 0) + times;
    }
  }
  // It is worth something only as long as all of this happens.
  for (const fate of [
    "swept",
    "renewed",
    "gone",
    "slow",
    "kept",
    "purged",
    "restored",
    "dropped",
  ]) {
    expect(counts[`gc ${fate}`], fate).toBeGreaterThan(0);
  }
  expect(counts["gc ended with ABORTED"]).toBeGreaterThan(100);
}, 300_000);
