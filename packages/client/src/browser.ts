export type { BulkBlob } from "./bulk/fetch-blobs.ts";
export type { Digests } from "./bulk/missing-blobs.ts";
export { bitstoreClient, type BrowserClientOptions } from "./browser-client.ts";
export type { BitstoreClient } from "./client.ts";
export type { ClientOptions } from "./client-options.ts";
export type { RemoteTier } from "./list-tiers.ts";
export { memoryProofs, type Proofs } from "./proofs.ts";
export { type ClientLimits, clientLimitsDefault } from "./wire/api.ts";
export type { Fetch } from "./wire/fetch-transport.ts";
