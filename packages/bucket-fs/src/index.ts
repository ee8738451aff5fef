export { type FsBucketOptions, fsBucket } from "./fs-bucket.ts";
export type { RootMemory } from "./root-memory.ts";
export { toStoreError } from "./to-store-error.ts";
