import type { Composite, Digest } from "@bitstore/core";
import { directorySink } from "../fetch/directory-sink.ts";
import { parseNameTemplate } from "../fetch/name-template.ts";
import { type FetchTally, type ReportLine, runFetch } from "../fetch/run-fetch.ts";

/** What one tier did in a run. */
export interface TierWork {
  readonly name: string;
  asked: number;
  served: number;
  bytes: number;
}

export interface DemoRun {
  readonly tally: FetchTally;
  readonly elapsedMs: number;
  readonly tiers: readonly TierWork[];
  /** Lines of what was not delivered. */
  readonly undelivered: readonly ReportLine[];
}

/** Digests in work at a time. */
const concurrencyMax = 64;

/** Fetches all digests into a fresh folder, and counts what each tier was asked and served. */
export async function demoRun(
  store: Composite,
  digests: readonly Digest[],
  folder: string,
  signal: AbortSignal,
  onProgress: (tally: FetchTally) => void,
): Promise<DemoRun> {
  const tiers = store.tiers.map(({ name }) => ({ name, asked: 0, served: 0, bytes: 0 }));
  const byName = new Map(tiers.map((tier) => [tier.name, tier]));
  const undelivered: ReportLine[] = [];
  const counted: Pick<Composite, "open"> = {
    open: (digest, options) =>
      store.open(digest, {
        ...options,
        onAttempt: (attempt) => {
          const tier = byName.get(attempt.tier);
          if (tier !== undefined && attempt.note !== "remembered") tier.asked += 1;
          options?.onAttempt?.(attempt);
        },
      }),
  };
  await using sink = await directorySink(folder, parseNameTemplate("{hex}"));
  const startedMs = performance.now();
  const tally = await runFetch({
    source: { ...store, ...counted },
    ids: each(digests),
    sink,
    concurrencyMax,
    ordered: false,
    failFast: false,
    signal,
    onOutcome: (line, soFar) => {
      const tier = byName.get(line.tier ?? "");
      if (tier === undefined) undelivered.push(line);
      else {
        tier.served += 1;
        tier.bytes += line.size ?? 0;
      }
      onProgress(soFar);
    },
  });
  const elapsedMs = performance.now() - startedMs;
  // Not part of a read's time: what the run wrote into the cache beside it.
  await store.drain();
  return { tally, elapsedMs, tiers, undelivered };
}

async function* each(digests: readonly Digest[]): AsyncGenerator<Digest, void, void> {
  yield* digests;
}
