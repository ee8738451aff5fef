export * from "./s3-bucket.ts";
export * from "./s3-bucket-options.ts";
export * from "./to-store-error.ts";
