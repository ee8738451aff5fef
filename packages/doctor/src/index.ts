export {
  bucketProbeNames,
  carriesTags,
  probeBucket,
  type ProbeBucketOptions,
} from "./probe-bucket.ts";
export { probeSource, type ProbeSourceOptions, sourceProbeNames } from "./probe-source.ts";
export type { ProbeOutcome, ProbeResult } from "./probe.ts";
