import type { Bucket, Clock } from "@bitstore/core";
import { probeBucket, type ProbeBucketOptions, type ProbeResult } from "../src/index.ts";

/** A clock whose waits are over at once but those of whole seconds, which are limits. */
export const hurried: Clock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    if (delayMs < 5000) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Runs all probes of a bucket; resolves to the results by their names. */
export async function probed(
  bucket: Bucket,
  options: Partial<ProbeBucketOptions> = {},
): Promise<ReadonlyMap<string, ProbeResult>> {
  const results = new Map<string, ProbeResult>();
  const given = { mayWrite: true, throughput: false, clock: hurried, ...options };
  for await (const result of probeBucket(bucket, given)) results.set(result.name, result);
  return results;
}

/** The names of the probes that came to an outcome. */
export function namesOf(
  results: ReadonlyMap<string, ProbeResult>,
  outcome: ProbeResult["outcome"],
): string[] {
  return [...results.values()].filter((each) => each.outcome === outcome).map(({ name }) => name);
}
