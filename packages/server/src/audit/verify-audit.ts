import { type Bucket, type CallOptions, type TagLog } from "@bitstore/core";
import type { AuditHead, AuditRecord } from "./audit-record.ts";
import { listChains, newestSegment, readBytes } from "./chain-heads.ts";
import { decodeSegment, hashSegment, segmentKey } from "./segment.ts";

/** What became of one chain. */
export interface AuditChain {
  readonly chain: string;
  readonly segments: number;
  readonly records: number;
  /** SHA-256 of its newest segment. */
  readonly sha256: string;
  /** Of its newest segment. */
  readonly time: string;
  /**
   * `closed`: its end is certain; `anchored`: what another chain, or the caller, knows of it is there;
   * `open`: its process runs, or died, and whether its newest segments were cut off can't be told.
   */
  readonly end: "closed" | "anchored" | "open";
}

export interface AuditProblem {
  readonly chain: string;
  /** 0: the chain as a whole. */
  readonly segment: number;
  readonly problem: string;
}

export interface AuditVerification {
  readonly chains: readonly AuditChain[];
  /** What is wrong, at most 1,000. */
  readonly problems: readonly AuditProblem[];
}

export interface VerifyAuditOptions extends CallOptions {
  /** Checks that the segments were signed by it; see `auditKey`. */
  readonly key?: Uint8Array | undefined;
  /** Heads that were kept elsewhere. */
  readonly anchors?: readonly AuditHead[] | undefined;
  /** Opens the tags of a namespace, to compare their chains with what the log says of their heads. */
  readonly tagsOf?: ((namespace: string) => Promise<TagLog | undefined>) | undefined;
}

const problemsMax = 1000;
/** Tags whose newest head is compared, so that memory stays bounded. */
const tagsMax = 100_000;

/**
 * Reads a whole log and tells what is wrong with it: a segment that is missing, was edited, moved,
 * added or cut off, a chain that is gone, a tag whose history is not what the log says. It resolves also
 * where much is wrong. Without a key, and without anchors that were kept elsewhere, somebody who may
 * rewrite everything can make a log that is right in itself.
 */
export async function verifyAudit(
  bucket: Bucket,
  options: VerifyAuditOptions = {},
): Promise<AuditVerification> {
  const { key, signal } = options;
  const problems: AuditProblem[] = [];
  const report = (chain: string, segment: number, problem: string): void => {
    if (problems.length < problemsMax) problems.push({ chain, segment, problem });
  };
  const names: string[] = [];
  const anchors = anchorMap(options.anchors ?? []);
  for await (const chain of listChains(bucket, { signal })) {
    names.push(chain);
    const bytes = await readBytes(bucket, segmentKey(chain, 1), { signal });
    const first = bytes === undefined ? undefined : decodeSegment(bytes, key);
    for (const anchor of first?.header.anchors ?? []) addAnchor(anchors, anchor);
  }
  const tagHeads = new Map<string, AuditRecord>();
  const chains: AuditChain[] = [];
  for (const chain of names) {
    const known = anchors.get(chain) ?? [];
    anchors.delete(chain);
    chains.push(await verifyChain(bucket, chain, known, options, { report, tagHeads }));
  }
  for (const [chain, [anchor]] of anchors) {
    report(chain, 0, `the chain is gone; it had ${anchor?.segment ?? "some"} segments at least`);
  }
  await verifyTags(tagHeads, options, report);
  return { chains, problems };
}

type Report = (chain: string, segment: number, problem: string) => void;

async function verifyChain(
  bucket: Bucket,
  chain: string,
  anchors: readonly AuditHead[],
  { key, signal }: VerifyAuditOptions,
  { report, tagHeads }: { report: Report; tagHeads: Map<string, AuditRecord> },
): Promise<AuditChain> {
  const anchored = Math.max(0, ...anchors.map(({ segment }) => segment));
  const newest = await newestSegment(bucket, chain, { signal });
  let prev: string | undefined;
  let records = 0;
  let time = "";
  let closed = false;
  for (let number = 1; number <= Math.max(newest, anchored); number += 1) {
    const bytes = await readBytes(bucket, segmentKey(chain, number), { signal });
    if (bytes === undefined) {
      report(chain, number, number > newest ? "it was cut off" : "it is missing");
      prev = undefined;
      continue;
    }
    const sha256 = hashSegment(bytes);
    for (const anchor of anchors) {
      if (anchor.segment === number && anchor.sha256 !== sha256) {
        report(chain, number, "it is not what was anchored of it");
      }
    }
    const segment = decodeSegment(bytes, key);
    if (segment === undefined) {
      report(chain, number, "its bytes are no segment");
    } else {
      const { header } = segment;
      if (header.chain !== chain || header.segment !== number) {
        report(chain, number, "it belongs elsewhere");
      } else if (header.prev !== prev && (prev !== undefined || number === 1)) {
        report(chain, number, "it does not follow from the one before it");
      }
      if (segment.signed === "wrong") report(chain, number, "its signature does not hold");
      if (closed) report(chain, number, "it comes after the end of its chain");
      closed ||= header.closed === true;
      time = header.time;
      for (const record of segment.records) {
        records += 1;
        if (record.n !== records) report(chain, number, `record ${record.n} is out of order`);
        records = record.n;
        noteTag(tagHeads, record);
      }
    }
    prev = sha256;
  }
  const end = closed ? "closed" : anchored >= newest && newest > 0 ? "anchored" : "open";
  return { chain, segments: newest, records, sha256: prev ?? "", time, end };
}

function noteTag(heads: Map<string, AuditRecord>, record: AuditRecord): void {
  const { tag, seq, sha256, namespace, phase } = record;
  if (phase !== "outcome" || tag === undefined || seq === undefined || sha256 === undefined) return;
  const name = `${namespace} ${tag}`;
  const known = heads.get(name);
  if (known === undefined ? heads.size < tagsMax : (known.seq ?? 0) < seq) heads.set(name, record);
}

async function verifyTags(
  heads: ReadonlyMap<string, AuditRecord>,
  { tagsOf, signal }: VerifyAuditOptions,
  report: Report,
): Promise<void> {
  if (tagsOf === undefined) return;
  for (const { namespace, tag = "", seq = 0, sha256 } of heads.values()) {
    const entry = await (await tagsOf(namespace))?.get(tag, seq, { signal });
    if (entry?.sha256 === sha256) continue;
    const what = entry === undefined ? "is gone" : "is not what was recorded";
    report(namespace, 0, `entry ${seq} of the tag ${tag} ${what}`);
  }
}

function anchorMap(given: readonly AuditHead[]): Map<string, AuditHead[]> {
  const map = new Map<string, AuditHead[]>();
  for (const anchor of given) addAnchor(map, anchor);
  return map;
}

function addAnchor(map: Map<string, AuditHead[]>, anchor: AuditHead): void {
  const known = map.get(anchor.chain);
  if (known === undefined) map.set(anchor.chain, [anchor]);
  else known.push(anchor);
}
