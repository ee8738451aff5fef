import {
  type Bucket,
  type CallOptions,
  collect,
  isStoreError,
  StoreError,
  type TagEntry,
} from "@bitstore/core";
import type { LogKeys } from "./keys.ts";
import { manifestBytesMax } from "./limits.ts";
import { readManifest } from "./manifest.ts";

/** Reads entries of the logs of one namespace. */
export interface Entries {
  /** Resolves to an entry, by one request; undefined where there is none of that sequence. */
  read(tag: string, seq: number, options: CallOptions): Promise<TagEntry | undefined>;
  /** Resolves to the sequence of the newest entry, by one LIST; 0 where there is none. */
  newest(tag: string, options: CallOptions): Promise<number>;
}

export function entriesOf(bucket: Bucket, namespace: string, keys: LogKeys): Entries {
  return {
    async read(tag, seq, options) {
      const content = await bucket.read(keys.entry(tag, seq), options);
      if (content === undefined) return undefined;
      const place = { namespace, tag, seq, source: bucket.name };
      const bytes = await collect(content.body, manifestBytesMax).catch((error: unknown) => {
        if (!isStoreError(error, "TOO_LARGE")) throw error;
        return new Uint8Array();
      });
      return await readManifest(bytes, place);
    },
    async newest(tag, options) {
      for await (const { key } of bucket.list(keys.log(tag), { ...options, limit: 1 })) {
        const seq = keys.seqOf(tag, key);
        if (seq === undefined) throw strangeKey(tag, key, bucket.name);
        return seq;
      }
      return 0;
    },
  };
}

/** Makes the error of an object in a log that is no entry: skipping it could hide a newer one. */
export function strangeKey(tag: string, key: string, source: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "list",
    subject: tag,
    source,
    message: `${key} is no entry of a tag's log that this release knows; move it away, or use a later one`,
  });
}

/** Makes the error of an entry that must be there: the log has a gap. */
export function missingEntry(tag: string, seq: number, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "read",
    subject: `${tag}@${seq}`,
    source,
    persistence: "permanent",
    message: "the entry is missing from its log, though later ones are there; run tag verify",
  });
}
