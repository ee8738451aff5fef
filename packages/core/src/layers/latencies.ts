/** How long answers took lately. */
export interface Latencies {
  add(elapsedMs: number): void;
  /** Milliseconds that a share of the answers stayed within; undefined while there are too few. */
  quantile(share: number): number | undefined;
}

/** Answers that are looked back on. */
const samplesMax = 256;
/** Fewer than these say nothing of the slowest twentieth. */
const samplesMin = 30;
/** Answers after which quantiles are worked out anew. */
const staleAfter = 16;

export function latencies(): Latencies {
  const samples = new Float64Array(samplesMax);
  let count = 0;
  let sorted: Float64Array = new Float64Array();
  let sortedAt = 0;
  return {
    add(elapsedMs) {
      samples[count % samplesMax] = elapsedMs;
      count += 1;
    },
    quantile(share) {
      if (count < samplesMin) return undefined;
      if (sorted.length === 0 || count - sortedAt >= staleAfter) {
        sorted = samples.slice(0, Math.min(count, samplesMax)).sort();
        sortedAt = count;
      }
      return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    },
  };
}
