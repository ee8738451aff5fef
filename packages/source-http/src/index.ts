export * from "./api-source.ts";
export type { FetchedBlob } from "./client-stream.ts";
export * from "./http-source.ts";
export type { HttpSourceOptions } from "./http-source-options.ts";
export type { Priced } from "./price.ts";
