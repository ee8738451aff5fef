import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { AuditHead, AuditRecord, SegmentHeader } from "./audit-record.ts";

/** Everything of the log lies here; no namespace may be named `audit`. */
export const auditPrefix = "v1/audit/";

const seqEnd = 2 ** 53 - 1;
const chainGrammar = /^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{32}$/;

/** Records of one segment, so that one is read and checked at once. */
export const segmentRecordsMax = 1000;
/** Bytes of the longest segment: its records have names, tags and reasons of bounded length. */
export const segmentBytesMax: number = 8 * 2 ** 20;

/** Names a chain by when it began, which is how chains are listed, and by a nonce of its own. */
export function chainName(began: Date, nonce: string): string {
  return `${began.toISOString().replace(/[-:.]/g, "")}-${nonce}`;
}

export function chainPrefix(chain: string): string {
  return `${auditPrefix}${chain}/`;
}

export function segmentKey(chain: string, segment: number): string {
  return `${chainPrefix(chain)}${String(seqEnd - segment).padStart(16, "0")}.ndjson`;
}

/** Number of a segment by its key; undefined for what is none. */
export function segmentOf(chain: string, key: string): number | undefined {
  const digits = /^([0-9]{16})\.ndjson$/.exec(key.slice(chainPrefix(chain).length))?.[1];
  return digits === undefined ? undefined : seqEnd - Number(digits);
}

/** Name of a chain by its prefix, as `listPrefixes` gives it; undefined for what is none. */
export function chainOf(prefix: string): string | undefined {
  const name = prefix.slice(auditPrefix.length, -1);
  return chainGrammar.test(name) ? name : undefined;
}

/** Makes of a server's secret the key that segments are signed by. */
export function auditKey(secret: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), "bitstore audit v1", 32));
}

/** Writes a segment: its header, its records and, with a key, their HMAC, each a line of JSON. */
export function encodeSegment(
  header: SegmentHeader,
  records: readonly AuditRecord[],
  key: Uint8Array | undefined,
): Uint8Array {
  const said = [header, ...records].map((line) => `${JSON.stringify(line)}\n`).join("");
  if (key === undefined) return Buffer.from(said);
  return Buffer.from(`${said}${JSON.stringify({ mac: macOf(said, key) })}\n`);
}

export function hashSegment(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A segment as it was read. */
export interface Segment {
  readonly header: SegmentHeader;
  readonly records: readonly AuditRecord[];
  /** `none`: it has no HMAC, or no key was given to check it with. */
  readonly signed: "right" | "wrong" | "none";
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);
const headShape = z.strictObject({ chain: z.string(), segment: count, sha256: hash });
const headerShape = z.object({
  format: z.literal(1),
  chain: z.string().regex(chainGrammar),
  segment: count.min(1),
  records: count.max(segmentRecordsMax),
  time: z.string(),
  prev: hash.optional(),
  anchors: z.array(headShape).optional(),
  closed: z.boolean().optional(),
});
const recordShape = z.looseObject({
  n: count.min(1),
  time: z.string(),
  phase: z.enum(["intent", "outcome"]),
  id: z.string(),
  operation: z.string(),
  principal: z.string(),
  namespace: z.string(),
});

/** Reads a segment; undefined where its bytes are none. With a key its HMAC is checked. */
export function decodeSegment(bytes: Uint8Array, key: Uint8Array | undefined): Segment | undefined {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.endsWith("\n")) return undefined;
  const lines = text.slice(0, -1).split("\n");
  try {
    const header = headerShape.parse(JSON.parse(lines[0] ?? ""));
    const records = lines
      .slice(1, 1 + header.records)
      .map((line) => recordShape.parse(JSON.parse(line)) as unknown as AuditRecord);
    const rest = lines.slice(1 + header.records);
    if (records.length !== header.records || rest.length > 1) return undefined;
    const [last] = rest;
    const mac = last === undefined ? undefined : readMac(last);
    if (last !== undefined && mac === undefined) return undefined;
    const said = text.slice(0, text.length - (last === undefined ? 0 : last.length + 1));
    return { header, records, signed: signature(said, mac, key) };
  } catch {
    return undefined;
  }
}

function signature(
  said: string,
  mac: string | undefined,
  key: Uint8Array | undefined,
): Segment["signed"] {
  if (key === undefined) return "none";
  if (mac === undefined) return "wrong";
  return timingSafeEqual(Buffer.from(macOf(said, key)), Buffer.from(mac)) ? "right" : "wrong";
}

function readMac(line: string): string | undefined {
  const parsed = z.strictObject({ mac: hash }).safeParse(JSON.parse(line));
  return parsed.success ? parsed.data.mac : undefined;
}

function macOf(said: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(said).digest("hex");
}

/** Writes a head as one word, to be kept in a log or a ticket. */
export function formatHead({ chain, segment, sha256 }: AuditHead): string {
  return `${chain}:${segment}:${sha256}`;
}

/** Reads such a word; undefined for what is none. */
export function parseHead(text: string): AuditHead | undefined {
  const [chain = "", segment = "", sha256 = "", more] = text.split(":");
  if (more !== undefined || !chainGrammar.test(chain) || !hash.safeParse(sha256).success) {
    return undefined;
  }
  return /^[1-9][0-9]{0,15}$/.test(segment)
    ? { chain, segment: Number(segment), sha256 }
    : undefined;
}
