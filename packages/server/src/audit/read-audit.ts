import type { Bucket, CallOptions } from "@bitstore/core";
import type { AuditRecord } from "./audit-record.ts";
import { listChains, newestSegment, readBytes } from "./chain-heads.ts";
import { decodeSegment, segmentKey } from "./segment.ts";

export interface ReadAuditOptions extends CallOptions {
  /** Records of that time and later. */
  readonly since?: Date | undefined;
  /** Of that principal alone. */
  readonly principal?: string | undefined;
  /** About that digest or tag alone. */
  readonly subject?: string | undefined;
}

/** A record, and where it stands. */
export interface FoundRecord extends AuditRecord {
  readonly chain: string;
  readonly segment: number;
}

/**
 * Yields the records of a log, chain after chain as their processes began, each chain in the order of
 * its records. Nothing is checked: see `verifyAudit`. A segment that can't be read is left out.
 */
export async function* readAudit(
  bucket: Bucket,
  { since, principal, subject, signal }: ReadAuditOptions = {},
): AsyncGenerator<FoundRecord, void, void> {
  const from = since?.toISOString() ?? "";
  for await (const chain of listChains(bucket, { signal })) {
    const newest = await newestSegment(bucket, chain, { signal });
    for (let segment = 1; segment <= newest; segment += 1) {
      const bytes = await readBytes(bucket, segmentKey(chain, segment), { signal });
      const read = bytes === undefined ? undefined : decodeSegment(bytes, undefined);
      if (read === undefined || read.header.time < from) continue;
      for (const record of read.records) {
        if (record.time < from) continue;
        if (principal !== undefined && record.principal !== principal) continue;
        if (subject !== undefined && record.digest !== subject && record.tag !== subject) continue;
        yield { chain, segment, ...record };
      }
    }
  }
}
