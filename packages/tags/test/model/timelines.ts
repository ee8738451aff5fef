import { createHash } from "node:crypto";
import type { Effect } from "@bitstore/conformance";
import { encodeTagName } from "@bitstore/core";
import { canonical, isRecord } from "./json.ts";
import type { Observed } from "./observed.ts";

/** One entry, read from the bucket's bytes by nothing of the log's own code. */
export interface RawEntry {
  readonly seq: number;
  /** The instant at which it was created. */
  readonly step: number;
  readonly timeMs: number;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly op: string;
  readonly digest: string | undefined;
  readonly nonce: string;
  readonly reason: string | undefined;
  /** The entry's own time. */
  readonly writtenMs: number;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A tag's log as it grew: the truth that answers are held against. */
export interface Timeline {
  readonly tag: string;
  readonly entries: readonly RawEntry[];
  /** Sequence of the newest entry at an instant; 0 for none. */
  at(step: number): number;
  /** The same by virtual time, before that millisecond. */
  before(timeMs: number): number;
  entry(seq: number): RawEntry | undefined;
  isLive(seq: number): boolean;
}

const seqEnd = 2 ** 53 - 1;
const pad16 = (value: number): string => String(value).padStart(16, "0");

/**
 * Reads the logs from what happened to the bucket, and notes what must never happen to one: an object
 * replaced or deleted, a number skipped, bytes that are not canonical, a link to another entry than
 * the one before, a tombstone before its marker, a marker removed too early.
 */
export function readTimelines(
  { namespace, tags, effects }: Observed,
  note: (violation: string) => void,
): ReadonlyMap<string, Timeline> {
  const logs = new Map(tags.map((tag) => [tag, [] as RawEntry[]]));
  const tagOf = new Map(tags.map((tag) => [encodeTagName(tag), tag]));
  const markers = new Set<string>();
  const markerOf = (tag: string, seq: number): string =>
    `v1/${namespace}/d/${encodeTagName(tag)}/${pad16(seq)}`;

  for (const effect of effects) {
    const [version, ns, folder, segment = "", name = ""] = effect.key.split("/");
    if (version !== "v1" || ns !== namespace) continue;
    const tag = tagOf.get(segment);
    const log = tag === undefined ? undefined : logs.get(tag);
    if (tag === undefined || log === undefined) note(`${effect.key} is of no tag`);
    else if (folder === "t") addEntry(log, tag, name, effect);
    else if (folder === "d") addMarker(log, name, effect);
    else note(`${effect.key} is of no known folder`);
  }

  function addEntry(log: RawEntry[], tag: string, name: string, effect: Effect): void {
    if (effect.kind !== "created") {
      note(`an entry was ${effect.kind}: ${effect.key}`);
      return;
    }
    const seq = log.length + 1;
    if (name !== `${pad16(seqEnd - seq)}.json`) {
      note(`${effect.key} is not sequence ${seq}, the next one: a gap, or no entry`);
      return;
    }
    const entry = readEntry(effect, seq);
    log.push(entry);
    checkEntry(log, entry, tag, namespace, note);
    if (entry.op === "delete" && !markers.has(markerOf(tag, seq))) {
      note(`${tag}@${seq} is a tombstone that was written without its marker`);
    }
  }

  function addMarker(log: readonly RawEntry[], name: string, effect: Effect): void {
    if (!/^[0-9]{16}$/.test(name)) note(`${effect.key} is a marker without a sequence`);
    if (effect.kind !== "deleted") {
      markers.add(effect.key);
      return;
    }
    markers.delete(effect.key);
    const isCovered = log.some(({ seq, op }) => seq > Number(name) && op !== "delete");
    if (!isCovered) note(`the marker ${effect.key} was removed before a set after it`);
  }

  return new Map([...logs].map(([tag, entries]) => [tag, timeline(tag, entries)]));
}

function timeline(tag: string, entries: readonly RawEntry[]): Timeline {
  const entry = (seq: number): RawEntry | undefined => entries[seq - 1];
  return {
    tag,
    entries,
    entry,
    at: (step) => entries.filter((each) => each.step <= step).length,
    before: (timeMs) => entries.filter((each) => each.timeMs < timeMs).length,
    isLive: (seq) => seq >= 1 && entry(seq)?.op !== "delete",
  };
}

function readEntry({ step, timeMs, bytes }: Effect, seq: number): RawEntry {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const json = isRecord(parsed) ? parsed : {};
  const { op, target, nonce, reason, time } = json;
  const digest = isRecord(target) ? target["digest"] : undefined;
  return {
    seq,
    step,
    timeMs,
    bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    op: String(op),
    digest: typeof digest === "string" ? digest : undefined,
    nonce: String(nonce),
    reason: typeof reason === "string" ? reason : undefined,
    writtenMs: Date.parse(String(time)),
    json,
  };
}

function checkEntry(
  log: readonly RawEntry[],
  entry: RawEntry,
  tag: string,
  namespace: string,
  note: (violation: string) => void,
): void {
  const { seq, json, bytes } = entry;
  const name = `${tag}@${seq}`;
  const before = log[seq - 2];
  const text = new TextDecoder().decode(bytes);
  if (canonical(json) !== text) note(`${name} is not canonical`);
  if (json["namespace"] !== namespace || json["tag"] !== tag || json["seq"] !== seq) {
    note(`${name} says of itself that it is another`);
  }
  const prev = before === undefined ? undefined : { seq: before.seq, sha256: before.sha256 };
  if (canonical(json["prev"]) !== canonical(prev)) note(`${name} names another entry before it`);
  const recent = log
    .slice(Math.max(0, seq - 17), seq - 1)
    .map(rawRecord)
    .toReversed();
  if (canonical(json["recent"]) !== canonical(recent)) note(`${name} tells another past`);
  if (!/^[0-9a-f]{32}$/.test(entry.nonce)) note(`${name} has no nonce`);
  if (log.some((each) => each.seq < seq && each.nonce === entry.nonce)) {
    note(`${name} has a nonce that stands in the log before it: a write came twice`);
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(json["time"]))) {
    note(`${name} has no time`);
  }
  if (before !== undefined && !(entry.writtenMs > before.writtenMs)) {
    note(`${name} is not later than the entry before it`);
  }
  const hasTarget = entry.digest !== undefined;
  if (hasTarget === (entry.op === "delete")) note(`${name} has a target, or none, wrongly`);
}

/** What history is to show of an entry. */
export function rawRecord(entry: RawEntry): Readonly<Record<string, unknown>> {
  const { seq, op, target, time, actor, reason, nonce } = entry.json;
  const { digest, size } = isRecord(target) ? target : {};
  return { seq, op, digest, size, time, actor, reason, nonce };
}
