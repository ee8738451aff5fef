import { seededRandom } from "@bitstore/conformance";
import { expect, test } from "vitest";
import { virtualReads } from "../../bench/hedge/virtual-reads.ts";

// Reads of a store behind 30 ms, where 2 of 100 answers come 300 ms later, on a clock of the test's
// own: hedging cuts the slowest hundredth off, for at most 5 % more requests. `npm run bench hedge`
// measures the same on MinIO.

test("hedging cuts the p99 of a slow tier for at most 5 % more requests", async () => {
  const results = [];
  for (const hedge of [false, true]) {
    const random = seededRandom(1);
    const delay = (): number => 28 + 4 * random.next() + (random.chance(0.02) ? 300 : 0);
    const { times, requests } = await virtualReads(delay, { hedge, reads: 4000, lanes: 4 });
    results.push({ p99: times[Math.floor(times.length * 0.99)] ?? 0, requests });
  }
  const [without, hedged] = results;
  expect(without?.requests).toBe(4000);
  expect(without?.p99).toBeGreaterThan(300);
  expect(hedged?.p99).toBeLessThan(80);
  expect(hedged?.requests).toBeGreaterThan(4000);
  expect(hedged?.requests).toBeLessThanOrEqual(4200);
});
