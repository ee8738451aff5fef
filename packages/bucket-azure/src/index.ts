export { azureBucket } from "./azure-bucket.ts";
export type {
  AzureAccessTier,
  AzureBucketOptions,
  AzureCredential,
  AzureTokenCredential,
} from "./options.ts";
export { toStoreError } from "./to-store-error.ts";
