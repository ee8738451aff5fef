import type { Clock } from "@bitstore/core";
import type { Query, Service } from "./call.ts";
import type { GcsSettings } from "./options.ts";

/** What uploads share. */
export interface Uploads {
  readonly service: Service;
  readonly settings: GcsSettings;
  readonly clock: Clock;
  readonly objectBytesMax: number;
  /** Takes what is to be finished before the bucket is disposed. */
  readonly track: (cleanup: Promise<void>) => void;
}

/** One object on its way up. */
export interface Upload extends Uploads {
  readonly key: string;
  readonly contentType: string;
  /** Condition, key name and what else goes into the query of the request that creates it. */
  readonly query: Query;
  readonly signal: AbortSignal | undefined;
}

/** `refused`: the object is not at the version that the condition names. */
export type Uploaded = "stored" | "refused";
