import { type Bucket, type CallOptions, collect } from "@bitstore/core";
import type { AuditHead } from "./audit-record.ts";
import {
  auditPrefix,
  chainOf,
  chainPrefix,
  hashSegment,
  segmentBytesMax,
  segmentOf,
} from "./segment.ts";

/** Yields the chains of a log, those that began first before others. */
export async function* listChains(
  bucket: Bucket,
  options: CallOptions = {},
): AsyncGenerator<string, void, void> {
  for await (const prefix of bucket.listPrefixes(auditPrefix, options)) {
    const chain = chainOf(prefix);
    if (chain !== undefined) yield chain;
  }
}

/** Finds the number of the newest segment of a chain; 0 where it has none. */
export async function newestSegment(
  bucket: Bucket,
  chain: string,
  options: CallOptions = {},
): Promise<number> {
  for await (const { key } of bucket.list(chainPrefix(chain), { ...options, limit: 1 })) {
    return segmentOf(chain, key) ?? 0;
  }
  return 0;
}

/** Reads the bytes of an object of the log; undefined where there is none. */
export async function readBytes(
  bucket: Bucket,
  key: string,
  options: CallOptions = {},
): Promise<Uint8Array | undefined> {
  const content = await bucket.read(key, options);
  return content === undefined ? undefined : await collect(content.body, segmentBytesMax);
}

/**
 * Finds the heads of the chains that began last, at most so many. A new chain says them in its first
 * segment, so that what a process that died has written can't be cut short later without a trace.
 */
export async function chainHeads(
  bucket: Bucket,
  chainsMax: number,
  options: CallOptions = {},
): Promise<readonly AuditHead[]> {
  const last: string[] = [];
  for await (const chain of listChains(bucket, options)) {
    last.push(chain);
    if (last.length > chainsMax) last.shift();
  }
  const heads: AuditHead[] = [];
  for (const chain of last) {
    for await (const { key } of bucket.list(chainPrefix(chain), { ...options, limit: 1 })) {
      const segment = segmentOf(chain, key);
      const bytes = await readBytes(bucket, key, options);
      if (segment === undefined || bytes === undefined) continue;
      heads.push({ chain, segment, sha256: hashSegment(bytes) });
    }
  }
  return heads;
}
