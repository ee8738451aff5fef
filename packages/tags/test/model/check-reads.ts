import { encodeTagName, type TagEntry } from "@bitstore/core";
import { statesOf } from "./check-writes.ts";
import { canonical } from "./json.ts";
import type { Call, Invocation, Observed } from "./observed.ts";
import { rawRecord, type RawEntry, type Timeline } from "./timelines.ts";

type Note = (violation: string) => void;
type Asked<K extends Invocation["kind"]> = Extract<Invocation, { readonly kind: K }>;

/**
 * Holds answers of reads against the logs: each is the truth of an instant of its call, and no reader
 * is told of an older head than it was told of before.
 */
export function checkReads(
  observed: Observed,
  timelines: ReadonlyMap<string, Timeline>,
  note: Note,
): void {
  for (const call of observed.calls) {
    const { asked } = call;
    if (asked.kind === "list") checkList(call, asked, observed, timelines, note);
    else {
      const timeline = timelines.get(asked.tag);
      if (timeline !== undefined) checkRead(call, timeline, observed, note);
    }
  }
  checkForward(observed, note);
}

function checkRead(call: Call, timeline: Timeline, observed: Observed, note: Note): void {
  const { asked, answer, id } = call;
  const states = statesOf(call, timeline);
  const wrong = (told: string): void =>
    note(`call ${id} (${canonical(asked)}) was told ${told}; the tag was at ${states.join(", ")}`);
  if (answer.kind === "entry") {
    const told = answer.entry;
    const seq = told?.seq ?? 0;
    if (told !== undefined && told.sha256 !== timeline.entry(seq)?.sha256) {
      wrong(`an entry ${seq} that is not there`);
    }
    const isTrue = isTrueEntry(call, timeline, states, told);
    if (!isTrue) wrong(`of ${told === undefined ? "nothing" : seq}`);
  } else if (answer.kind === "records" && asked.kind === "history") {
    const told = canonical(answer.records.map((record) => ({ ...record })));
    const truths = states.map((seq) => canonical(historyAt(timeline, seq, asked)));
    if (!truths.includes(told))
      wrong(`a history of ${answer.records.map(({ seq }) => seq).join()}`);
  } else if (answer.kind === "verified") {
    const { seq, sha256, problems } = answer.verification;
    for (const { problem } of problems) wrong(`of a problem: ${problem}`);
    if (!states.includes(seq) || sha256 !== timeline.entry(seq)?.sha256) wrong(`of ${seq}`);
  } else if (answer.kind === "entries") {
    checkWatched(call, answer.entries, timeline, observed, wrong);
  }
}

function isTrueEntry(
  { asked, fromMs }: Call,
  timeline: Timeline,
  states: readonly number[],
  told: TagEntry | undefined,
): boolean {
  const seq = told?.seq ?? 0;
  switch (asked.kind) {
    case "head": {
      if (asked.maxAgeMs === 0) return states.includes(seq);
      // A clock that runs slow makes its milliseconds longer.
      const low = timeline.before(fromMs - asked.maxAgeMs * 1.2 - 1);
      return seq >= low && seq <= (states.at(-1) ?? 0);
    }
    case "get":
      return told === undefined ? asked.seq > (states[0] ?? 0) : seq === asked.seq;
    case "asOf":
      return states.some((state) => asOf(timeline, state, asked.atMs) === seq);
    default:
      return true;
  }
}

function asOf(timeline: Timeline, state: number, atMs: number): number {
  const before = timeline.entries.slice(0, state).filter(({ writtenMs }) => writtenMs <= atMs);
  return before.at(-1)?.seq ?? 0;
}

function historyAt(
  timeline: Timeline,
  state: number,
  { before, limit }: Asked<"history">,
): readonly Readonly<Record<string, unknown>>[] {
  const newest = Math.min(state, (before ?? Number.POSITIVE_INFINITY) - 1);
  const entries: RawEntry[] = timeline.entries.slice(0, Math.max(0, newest)).toReversed();
  return entries.slice(0, limit).map(rawRecord);
}

/** A watch tells of each entry, in order; and of all, where the weather lets it. */
function checkWatched(
  { asked }: Call,
  told: readonly TagEntry[],
  timeline: Timeline,
  { calls, calmFromMs, isSteady }: Observed,
  wrong: (told: string) => void,
): void {
  for (const [index, { seq, sha256 }] of told.entries()) {
    if (seq !== index + 1 || sha256 !== timeline.entry(seq)?.sha256) {
      wrong(`of ${seq} after ${index}`);
    }
  }
  if (!isSteady) return;
  const others = calls.filter((call) => call.asked.kind !== asked.kind && call.terms !== undefined);
  const lastMs = Math.max(0, ...others.map(({ toMs }) => toMs));
  if (calmFromMs <= lastMs && told.length < timeline.before(lastMs)) {
    wrong(`of ${told.length} entries only`);
  }
}

/**
 * The rule of lists: what was live all through the call is there, what was deleted or absent all
 * through it is not. Names come once, in order.
 */
function checkList(
  call: Call,
  asked: Asked<"list">,
  { tags }: Observed,
  timelines: ReadonlyMap<string, Timeline>,
  note: Note,
): void {
  if (call.answer.kind !== "names") return;
  const { names } = call.answer;
  const wrong = (what: string): void => note(`call ${call.id} (${canonical(asked)}): ${what}`);
  for (const name of names) {
    if (!tags.includes(name) || !name.startsWith(asked.prefix)) wrong(`lists ${name}`);
  }
  // As their folders are in the bucket.
  const keys = names.map((name) => `${encodeTagName(name)}/`);
  if (keys.some((key, index) => index > 0 && key <= (keys[index - 1] ?? ""))) {
    wrong(`lists out of order, or twice: ${names.join(", ")}`);
  }
  for (const timeline of timelines.values()) {
    const { tag } = timeline;
    const isListed = names.includes(tag);
    const states = statesOf(call, timeline);
    const shows = (seq: number): boolean => (asked.deleted ? seq > 0 : timeline.isLive(seq));
    const at = `it was at ${states.join(", ")}`;
    if (!tag.startsWith(asked.prefix)) continue;
    if (!isListed && states.every(shows)) wrong(`leaves out ${tag}: ${at}`);
    if (isListed && !states.some(shows)) wrong(`shows ${tag}: ${at}`);
  }
}

/** No reader goes back: each answer is at least as new as those it was given before it asked. */
function checkForward({ calls }: Observed, note: Note): void {
  const told = calls.flatMap((call) =>
    call.answer.kind === "entry" && "tag" in call.asked && isOfHead(call)
      ? [{ ...call, tag: call.asked.tag, seq: call.answer.entry?.seq ?? 0 }]
      : [],
  );
  for (const later of told) {
    if (later.asked.kind !== "head") continue;
    for (const { reader, tag, to, seq, id } of told) {
      if (reader !== later.reader || tag !== later.tag || to > later.from) continue;
      if (seq > later.seq) note(`call ${later.id} was told of ${later.seq}, call ${id} of ${seq}`);
    }
  }
}

function isOfHead({ asked }: Call): boolean {
  return asked.kind !== "get" && asked.kind !== "asOf";
}
