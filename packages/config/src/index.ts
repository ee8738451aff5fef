export { parseByteSize } from "./byte-size.ts";
export { type DefaultFolders, defaultFolders } from "./default-config.ts";
export * from "./define-config.ts";
export type { Environment } from "./file/expand.ts";
export {
  type ConfigPlace,
  type ConfigProblem,
  configProblems,
  formatProblem,
} from "./file/problems.ts";
export { loadConfig, type LoadConfigOptions } from "./load-config.ts";
export {
  type OpenDependencies,
  type ProofsOf,
  type ServerCaller,
  sharedProofs,
} from "./open/dependencies.ts";
export { openBucket, type OpenBucketOptions } from "./open/open-bucket.ts";
export { type OpenStore, openStore } from "./open/open-store.ts";
export * from "./open/open-tags.ts";
export { type JournalStatus, readJournalStatus } from "./open/read-journal-status.ts";
export {
  type OpenComposite,
  openComposite,
  type OpenCompositeOptions,
  type OpenTiers,
  openTiers,
} from "./open/open-tiers.ts";
export * from "./open/open-workspaces.ts";
export { readSecret } from "./open/read-secret.ts";
export * from "./namespace-config.ts";
export { type SettleOptions, untilSettled } from "./open/settled-targets.ts";
export { parseStore } from "./parse-store.ts";
export type * from "./store-config.ts";
export type { TierArgument } from "./tiers/argument-drafts.ts";
export { formatStoreLocation, formatStoreUrl } from "./url/format-store-url.ts";
export { parseStoreUrl } from "./url/parse-store-url.ts";
export { redactUrl } from "./url/redact-url.ts";
export type * from "./url/store-url.ts";
