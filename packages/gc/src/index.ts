export * from "./roots/gc-roots.ts";
export * from "./roots/metadata-roots.ts";
export type { MarkCounts } from "./roots/mark-roots.ts";
export type { Retention } from "./roots/tag-entries.ts";
export { collectGarbage } from "./run/collect-garbage.ts";
export * from "./run/gc-report.ts";
export type { GcOptions, GcProgress } from "./run/options.ts";
export * from "./tier/enable-gc.ts";
export { gcNotEnabledCode, graceMsMin, type GcTier } from "./tier/gc-tier.ts";
