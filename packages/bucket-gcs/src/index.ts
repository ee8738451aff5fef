export * from "./gcs-bucket.ts";
export type { Environment, GcsBucketOptions, GcsCredential } from "./options.ts";
export * from "./to-store-error.ts";
export type { Refusal } from "./refusal.ts";
