/**
 * Replays reads, existence questions, puts and deletes over two composites of the same buckets, and
 * counts what the buckets are asked: HEADs for each GET, and false answers to "durable?".
 * BENCH_OPERATIONS sets how many operations.
 */
import { replayWorkload } from "./replay/replay-workload.ts";

const operations = Number(process.env["BENCH_OPERATIONS"] ?? 200_000);
const result = await replayWorkload({ operations, seed: 1, blobs: 2000, lanes: 16 });
const { gets, stats, durables, puts, deletes, origin, other, falseDurable, wrongBytes } = result;
console.log(
  `asked: ${gets} GETs, ${stats} stats, ${durables} durable?, ${puts} puts, ${deletes} deletes`,
);
for (const [name, counts] of Object.entries({ origin, other })) {
  console.log(
    `${name}: ${counts.head} HEADs, ${counts.read} reads, ${counts.put} puts, ` +
      `${counts.delete} deletes`,
  );
}
const existence = stats + durables + puts + deletes;
console.log(`HEADs for each GET, reads alone: ${result.headsPerGet.toFixed(3)}`);
console.log(
  `HEADs for each GET of the whole workload: ${((origin.head + other.head) / gets).toFixed(3)}, ` +
    `all of them for the ${existence} other operations`,
);
console.log(`false durable answers: ${falseDurable.length}; wrong bytes: ${wrongBytes}`);
if (falseDurable.length > 0 || wrongBytes > 0) process.exitCode = 1;
