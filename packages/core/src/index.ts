export * from "./abort.ts";
export * from "./bucket.ts";
export * from "./bucket-checks.ts";
export * from "./bulk/digest-set.ts";
export * from "./bulk/fetch-many.ts";
export { mapConcurrent, type MapConcurrentOptions } from "./bulk/map-concurrent.ts";
export * from "./bytes.ts";
export * from "./clock.ts";
export * from "./compare-keys.ts";
export {
  type Composite,
  composite,
  type CompositeOptions,
  type Explanation,
} from "./composite/composite.ts";
export { type CompositeLimits, compositeLimitsDefault } from "./composite/context.ts";
export { type PutJournal, pendingTierName } from "./composite/journal.ts";
export { type HeldBlob, readHeld, type ReadHeldOptions } from "./composite/read-held.ts";
export { defineTier, type Price, type Tier, type TierOptions } from "./composite/tier.ts";
export { type WeakDigests, weakDigests } from "./composite/weak-digests.ts";
export * from "./content.ts";
export {
  type AlarmEvent,
  type AttemptEvent,
  type BreakerEvent,
  type FillEvent,
  publishAlarm,
  type RetryEvent,
  type StreamEvent,
} from "./diagnostics.ts";
export * from "./digest.ts";
export * from "./disposal.ts";
export * from "./errors.ts";
export * from "./hasher.ts";
export * from "./layers/exhausted.ts";
export * from "./layers/limited.ts";
export * from "./layers/measured.ts";
export * from "./layers/observed.ts";
export * from "./layers/prefixed.ts";
export * from "./layers/read-only.ts";
export type * from "./layers/store-health.ts";
export * from "./layers/verified.ts";
export { type BreakerLimits, breakerDefault, type BreakerStatus } from "./layers/breaker.ts";
export * from "./layers/with-breaker.ts";
export * from "./layers/with-hedge.ts";
export * from "./layers/with-retry.ts";
export * from "./layers/with-timeout.ts";
export * from "./layout.ts";
export * from "./memory-bucket.ts";
export * from "./not-made.ts";
export * from "./range.ts";
export type { ScrubLimits, ScrubStop } from "./scrub/budget.ts";
export {
  checkCopy,
  type CheckOptions,
  type CopyCheck,
  type CopyRepair,
} from "./scrub/check-copy.ts";
export { type Copies, copiesOf, listCopies } from "./scrub/list-copies.ts";
export * from "./scrub/scrub-copies.ts";
export * from "./scrub/scrub-cursor.ts";
export * from "./service-clock.ts";
export * from "./source.ts";
export * from "./spool/ring-spool.ts";
export * from "./spool/spool.ts";
export * from "./store/bucket-store.ts";
export { type CopyProvenance } from "./store/copy-provenance.ts";
export * from "./store/format.ts";
export * from "./store/hash-to-file.ts";
export * from "./store/memory-cache.ts";
export { type QuarantineLimits, quarantineLimitsDefault } from "./store/quarantine.ts";
export * from "./tags/tag-log.ts";
export * from "./tags/tag-name.ts";
export * from "./verify.ts";
