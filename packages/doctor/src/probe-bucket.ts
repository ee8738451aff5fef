import { type Bucket, type Clock, systemClock } from "@bitstore/core";
import { cleanUp } from "./clean-up.ts";
import type { Probe, ProbeResult } from "./probe.ts";
import { type ProbeContext, probeContext } from "./probe-context.ts";
import { absence, list, reachable, read, redirects } from "./probes/access.ts";
import { clock } from "./probes/clock.ts";
import { createTwice, racingCreators } from "./probes/creation.ts";
import { ifMatch } from "./probes/if-match.ts";
import { listOrder } from "./probes/list-order.ts";
import { ranges } from "./probes/ranges.ts";
import { throughput } from "./probes/throughput.ts";
import { listAfterWrite, readAfterWrite, remove, write } from "./probes/writes.ts";
import { runProbe } from "./run-probe.ts";

/** In the order in which they run: the later build on what the earlier have found out. */
const probes: readonly Probe<ProbeContext>[] = [
  reachable,
  redirects,
  list,
  write,
  read,
  absence,
  createTwice,
  racingCreators,
  readAfterWrite,
  listAfterWrite,
  listOrder,
  ifMatch,
  ranges,
  clock,
  remove,
  throughput,
];

/** Names of the probes of a bucket, in their order. */
export const bucketProbeNames: readonly string[] = probes.map(({ name }) => name);

export interface ProbeBucketOptions {
  /**
   * Whether the bucket may be written: say so of an origin, a cache, and what is `readOnly=false`
   * alone. Where it is false nothing is ever put or deleted, and what needs that is skipped.
   */
  readonly mayWrite: boolean;
  /** Takes the sample of throughput: some 9 MiB each way, 130 objects. Default true. */
  readonly throughput?: boolean | undefined;
  /** A key that is known to be there, to be read where nothing may be listed or written. */
  readonly knownKey?: string | undefined;
  /** What the run writes is below it, and below a part of the run's own. Default `_doctor/`. */
  readonly prefix?: string | undefined;
  /** The run's own part of its keys; random if left out. */
  readonly nonce?: string | undefined;
  /** Milliseconds of one probe; those that write much have a minute. Default 30,000. */
  readonly probeMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  /** Our own idea of the time, that the service's is held against. */
  readonly date?: (() => Date) | undefined;
}

const probeMsDefault = 30_000;

/**
 * Probes what a bucket can and can't do, and yields each result as it is known, in the order of
 * {@link bucketProbeNames}. It never rejects for what a bucket does, only with ABORTED where the
 * signal says so. What it wrote is deleted at the end, also after an abort or when the loop is left.
 *
 * A run that may write costs some 200 requests, and 390 more for the throughput; one that may not, 13.
 */
export async function* probeBucket(
  bucket: Bucket,
  options: ProbeBucketOptions,
): AsyncGenerator<ProbeResult, void, void> {
  const limits = {
    clock: options.clock ?? systemClock,
    signal: options.signal,
    probeMs: options.probeMs ?? probeMsDefault,
  };
  const context = probeContext(bucket, {
    mayWrite: options.mayWrite,
    measure: options.throughput ?? true,
    clock: limits.clock,
    date: options.date ?? (() => new Date()),
    prefix: options.prefix ?? "_doctor/",
    nonce: options.nonce ?? crypto.randomUUID(),
    knownKey: options.knownKey,
  });
  try {
    for (const probe of probes) {
      yield await runProbe(unlessUnreachable(probe), context, limits);
    }
  } finally {
    await cleanUp(context);
  }
}

/** One line says that nothing can be asked, and the others need not wait to say it again. */
function unlessUnreachable(probe: Probe<ProbeContext>): Probe<ProbeContext> {
  if (probe === redirects) return probe;
  return {
    ...probe,
    skip: (context) =>
      context.found.unreachable === undefined ? probe.skip?.(context) : "it could not be reached",
  };
}

/** Tells whether the results are those of a bucket that tags can be kept in. */
export function carriesTags(results: readonly ProbeResult[]): boolean {
  return ["create-twice", "racing-creators"].every((name) =>
    results.some((result) => result.name === name && result.outcome === "yes"),
  );
}
