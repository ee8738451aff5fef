export type { DiskCacheStats } from "./cache-stats.ts";
export { type DiskCache, diskCache } from "./disk-cache.ts";
export type { DiskCacheLimits } from "./limits.ts";
export type { PruneOptions } from "./prune-blobs.ts";
export type { Freed } from "./room.ts";
export type { DiskCacheOptions } from "./settings.ts";
export * from "./sieve.ts";
export type { ReindexReport } from "./walk.ts";
