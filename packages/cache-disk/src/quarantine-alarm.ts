import { type Digest, publishAlarm, StoreError } from "@bitstore/core";

/** What is known of a file that was taken out of the cache. */
export interface Misfit {
  readonly version: string | undefined;
  /** Bytes that the file has. */
  readonly size: number;
  /** What the bytes are; undefined where their number alone was wrong. */
  readonly found: Digest | undefined;
  /** Whole reads that agreed on it. */
  readonly reads: number;
  readonly foundBy: string;
}

/** Tells, as every store does, of wrong bytes that were found in the cache and where they are kept. */
export function raiseQuarantined(
  digest: Digest,
  store: string,
  foundAtS: number,
  kept: string | undefined,
  { version, size, found, reads, foundBy }: Misfit,
): void {
  const what = found === undefined ? `it has ${size} bytes` : `it holds ${found}`;
  const where = kept === undefined ? "it is gone" : `it is kept at quarantine/${kept}`;
  const error = new StoreError({
    code: "DIGEST_MISMATCH",
    operation: foundBy,
    subject: digest,
    source: store,
    message: `the cached file was wrong (${what}), and ${where}`,
  });
  const provenance = {
    store,
    key: digest,
    version,
    size,
    found,
    reads,
    foundBy,
    foundAt: new Date(foundAtS * 1000).toISOString(),
    kept: kept === undefined ? undefined : `quarantine/${kept}`,
  };
  publishAlarm({ kind: "copy-quarantined", subject: digest, source: store, error, provenance });
}
