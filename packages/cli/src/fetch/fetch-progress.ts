import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Options, Presets, SingleBar } from "cli-progress";
import type { Io } from "../frame/io.ts";
import type { Output } from "../frame/output.ts";
import { formatBytes } from "../frame/units.ts";
import type { FetchTally } from "./run-fetch.ts";

/** Shows how far a fetch is, on a terminal. */
export interface FetchProgress extends Disposable {
  update(tally: FetchTally): void;
}

/** Times a second that the bar is drawn. */
const framesPerSecond = 10;

/**
 * Makes the progress bar of a fetch: digests of the total, rate, bytes, time left, and hits by tier.
 * Where the total is not known the bar counts without one.
 */
export function fetchProgress(io: Io, output: Output, total: number | undefined): FetchProgress {
  if (!output.showsProgress) return { update: () => undefined, [Symbol.dispose]: () => undefined };
  const known = "{bar} {percentage}% {value}/{total} {rate}/s {bytes} eta {eta_formatted} {tiers}";
  const options: Options = {
    format:
      total === undefined ? "{value} digests {rate}/s {bytes} {duration_formatted} {tiers}" : known,
    stream: io.stderr,
    fps: framesPerSecond,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
    etaBuffer: 500,
    gracefulExit: false,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  const startedMs = performance.now();
  const payload = (tally: FetchTally | undefined, done: number): object => ({
    rate: Math.round(done / Math.max(0.001, (performance.now() - startedMs) / 1000)),
    bytes: formatBytes(tally?.bytes ?? 0),
    tiers: tally === undefined ? "" : tiersOf(tally),
  });
  bar.start(total ?? 0, 0, payload(undefined, 0));
  const stopWiping = output.onWrite(() => bar.render());
  return {
    update(tally) {
      const done = Object.values(tally.counts).reduce((sum, count) => sum + count, 0);
      bar.update(done, payload(tally, done));
    },
    [Symbol.dispose]() {
      stopWiping();
      bar.stop();
    },
  };
}

/** Writes hits by tier, the most first, with what was there, missing or failed. */
export function tiersOf({ tiers, counts }: FetchTally): string {
  const hits = [...tiers].sort(([, a], [, b]) => b - a).map(([tier, count]) => `${tier} ${count}`);
  const rest = (["present", "missing", "failed"] as const)
    .filter((status) => counts[status] > 0)
    .map((status) => `${status} ${counts[status]}`);
  return [...hits, ...rest].join("  ");
}

/** Counts the lines of a file, for the bar; undefined for what is no file. */
export async function countLines(path: string): Promise<number | undefined> {
  if (path === "-" || !(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  let lines = 0;
  let last = 10;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
    last = bytes.at(-1) ?? last;
  }
  return last === 10 ? lines : lines + 1;
}
