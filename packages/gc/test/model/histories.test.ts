import { expect, test } from "vitest";
import { simulate, type SimulateOptions } from "./simulate.ts";

/** Shows how a history that is wrong went. */
async function explain(
  seed: number,
  violations: readonly string[],
  options: SimulateOptions = {},
): Promise<string> {
  const { trace } = await simulate(seed, { ...options, isTraced: true });
  return [`seed ${seed}`, ...violations.map((violation) => `  ! ${violation}`), ...trace].join(
    "\n",
  );
}

// Histories of putters, taggers, readers, pins, leases, a user who deletes and two collectors without
// a lock, under seeded schedules (see simulate.ts): nothing is lost that was acknowledged, and garbage
// goes at last. That the histories find mistakes is shown by mutants.test.ts.
test("nothing that is acknowledged or named is ever lost, whatever the order", async () => {
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= 500; seed += 1) {
    const history = await simulate(seed);
    const { violations } = history;
    if (violations.length > 0) throw new Error(await explain(seed, violations));
    for (const [what, times] of Object.entries(history.counts)) {
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

// The same where every blob counts as large: reads and stats answer from the trash, and blobs are
// brought back while nobody waits.
test("nothing is lost where blobs are brought back after they were answered for", async () => {
  const options = { isLarge: true };
  for (let seed = 1; seed <= 300; seed += 1) {
    const { violations } = await simulate(seed, options);
    if (violations.length > 0) throw new Error(await explain(seed, violations, options));
  }
}, 300_000);
