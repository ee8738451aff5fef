import type { Bucket, Clock } from "@bitstore/core";
import type { MetadataFormat } from "../format/metadata-format.ts";
import type { Calls, Request } from "./calls.ts";
import type { Entries } from "./entries.ts";
import type { Heads } from "./heads.ts";
import type { LogKeys } from "./keys.ts";
import type { TagLimits } from "./limits.ts";

/** What the operations of one tag log share. */
export interface LogContext {
  readonly bucket: Bucket;
  readonly namespace: string;
  readonly keys: LogKeys;
  readonly entries: Entries;
  readonly heads: Heads;
  readonly calls: Calls;
  readonly format: MetadataFormat;
  readonly limits: TagLimits;
  readonly clock: Clock;
  readonly client: string;
  readonly actor: string;
  readonly mintNonce: () => string;
}

export function requestOf(
  operation: string,
  tag: string,
  options: { readonly signal?: AbortSignal | undefined },
): Request {
  return { operation, subject: tag, signal: options.signal };
}
