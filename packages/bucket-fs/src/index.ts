export { type FsBucketOptions, fsBucket } from "./fs-bucket.ts";
export { toStoreError } from "./to-store-error.ts";
