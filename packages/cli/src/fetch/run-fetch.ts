import {
  type BlobSource,
  type ErrorCode,
  fetchMany,
  type FetchOutcome,
  type FetchStatus,
  type StoreError,
} from "@bitstore/core";
import type { Sink } from "./sink.ts";

/** Counts of a run so far. */
export interface FetchTally {
  readonly counts: Record<FetchStatus, number>;
  /** Bytes delivered in this run. */
  bytes: number;
  /** Digests delivered by each tier. */
  readonly tiers: Map<string, number>;
}

/** A line of the report. */
export interface ReportLine {
  /** As it stood in the input where it is no digest. */
  readonly digest: string;
  readonly status: FetchStatus;
  readonly tier?: string;
  readonly size?: number;
  readonly elapsedMs: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

export interface RunFetchOptions {
  readonly source: BlobSource;
  readonly ids: AsyncIterable<string>;
  /** Says why an ID that is no digest names nothing, where more is known than that. */
  readonly problemOf?: ((id: string) => StoreError | undefined) | undefined;
  readonly sink: Sink;
  readonly concurrencyMax: number;
  readonly ordered: boolean;
  /** Ends the run at the first digest that is missing or failed. */
  readonly failFast: boolean;
  readonly signal: AbortSignal;
  /** Is told of each digest, in the order of the outcomes, and waited for. */
  readonly onOutcome: (line: ReportLine, tally: FetchTally) => void | Promise<void>;
}

/**
 * Fetches all IDs into a sink and resolves to the counts. What is missing or failed is an outcome;
 * it rejects only where nothing can go on: the input breaks, the destination can't be finished, the
 * signal aborts.
 */
export async function runFetch(options: RunFetchOptions): Promise<FetchTally> {
  const { sink } = options;
  const tally: FetchTally = {
    counts: { fetched: 0, cached: 0, present: 0, missing: 0, failed: 0 },
    bytes: 0,
    tiers: new Map(),
  };
  const outcomes = fetchMany(options.source, options.ids, {
    concurrencyMax: options.concurrencyMax,
    ordered: options.ordered,
    signal: options.signal,
    seen: sink.seen,
    present: (digest) => sink.present(digest),
    deliver: (content, { digest }) => sink.deliver(content, digest),
  });
  for await (const each of outcomes) {
    const outcome = explained(each, options.problemOf);
    count(tally, outcome);
    await options.onOutcome(reportLine(outcome), tally);
    if (options.failFast && (outcome.status === "missing" || outcome.status === "failed")) break;
  }
  await sink.finish();
  return tally;
}

/** Tells why an ID names nothing; what a tag does not name is missing, like what is not there. */
function explained(
  outcome: FetchOutcome<number>,
  problemOf: RunFetchOptions["problemOf"],
): FetchOutcome<number> {
  if (outcome.digest !== undefined) return outcome;
  const error = problemOf?.(outcome.input);
  if (error === undefined) return outcome;
  return { ...outcome, error, status: error.code === "NOT_FOUND" ? "missing" : "failed" };
}

function count(tally: FetchTally, outcome: FetchOutcome<number>): void {
  const { status, tier, size } = outcome;
  tally.counts[status] += 1;
  if (tier === undefined) return;
  tally.bytes += size ?? 0;
  tally.tiers.set(tier, (tally.tiers.get(tier) ?? 0) + 1);
}

function reportLine({
  digest,
  input,
  status,
  tier,
  size,
  elapsedMs,
  error,
}: FetchOutcome<number>): ReportLine {
  return {
    digest: digest ?? input,
    status,
    ...(tier === undefined ? {} : { tier }),
    ...(size === undefined ? {} : { size }),
    elapsedMs: Math.round(elapsedMs * 1000) / 1000,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
}
