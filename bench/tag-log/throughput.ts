import { type Bucket, parseDigest, type TagLog } from "@bitstore/core";
import { tagLog, trustTargets } from "@bitstore/tags";
import type { Place } from "./places.ts";

const digest = parseDigest("cd".repeat(32));
const crowds = [1, 8, 32];

/** Calls for a while, side by side, one call of each log at a time; gives calls a second. */
async function rate(
  logs: readonly TagLog[],
  ms: number,
  call: (log: TagLog, n: number) => Promise<unknown>,
): Promise<number> {
  let calls = 0;
  const from = performance.now();
  const until = from + ms;
  await Promise.all(
    logs.map(async (log, n) => {
      while (performance.now() < until) {
        await call(log, n);
        calls += 1;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - from);
}

async function rates(bucket: Bucket, ms: number, tagOf: (n: number) => string): Promise<number[]> {
  const found: number[] = [];
  for (const crowd of crowds) {
    const logs = Array.from({ length: crowd }, () =>
      tagLog(bucket, { checkTarget: trustTargets, limits: { deadlineMs: 300_000 } }),
    );
    for (const [n, log] of logs.entries()) await log.append(tagOf(n), digest);
    found.push(
      await rate(logs, ms, (log, n) => log.append(tagOf(n), digest)),
      await rate(logs, ms, (log, n) => log.head(tagOf(n))),
    );
  }
  return found;
}

/** Prints appends and reads a second, on one tag and on a tag for each writer. */
export async function printThroughput(places: readonly Place[], ms: number): Promise<void> {
  const cell = (word: string): string => word.padStart(12);
  const head = crowds.flatMap((crowd) => [`append ${crowd}`, `read ${crowd}`]);
  console.log(`${"a second, by so many handles".padEnd(30)}${head.map(cell).join("")}`);
  for (const { name, make } of places) {
    const bucket = await make();
    const one = await rates(bucket, ms, () => "one");
    const many = await rates(bucket, ms, (n) => `many/${n}`);
    await bucket[Symbol.asyncDispose]();
    for (const [what, found] of [
      ["one tag", one],
      ["a tag each", many],
    ] as const) {
      const [append = 1, read = 1] = found;
      const whole = found.map((each) => cell(each.toFixed(0)));
      // Each beside what one handle alone does, in the same place and run.
      const ratios = found.map((each, n) =>
        cell(`x ${(each / (n % 2 === 0 ? append : read)).toFixed(2)}`),
      );
      console.log(`${`${name}, ${what}`.padEnd(30)}${whole.join("")}`);
      console.log(`${"".padEnd(30)}${ratios.join("")}`);
    }
  }
}
