export * from "./collection/collection.ts";
export * from "./create-proof.ts";
export {
  createUnprovedCode,
  type MetadataDescription,
  metadataFormatKey,
  metadataFormatKnown,
  placeOf,
  readMetadataFormat,
} from "./format/metadata-format.ts";
export * from "./leases/acquire-lease.ts";
export {
  leaseDigestsMax,
  type LeaseRecord,
  type LeaseScope,
} from "./leases/lease-record.ts";
export * from "./leases/list-leases.ts";
export { type LogKind } from "./log/keys.ts";
export {
  manifestBytesMax,
  recentMax,
  type TagLimits,
  tagLimitsDefault,
} from "./log/limits.ts";
export * from "./log/tag-log.ts";
export * from "./namespaces.ts";
export * from "./pins.ts";
export * from "./target-check.ts";
