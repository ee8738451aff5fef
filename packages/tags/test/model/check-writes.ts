import type { TagExpectation } from "@bitstore/core";
import { canonical, isRecord } from "./json.ts";
import type { Call, Observed } from "./observed.ts";
import type { RawEntry, Timeline } from "./timelines.ts";

type Note = (violation: string) => void;

/** Answers that leave open whether the write happened. */
const openCodes: ReadonlySet<string> = new Set(["INDETERMINATE", "ABORTED"]);
/** Answers that refuse the write for good, whatever an earlier try of it was told. */
const refusalCodes: ReadonlySet<string> = new Set([
  "PRECONDITION_FAILED",
  "NOT_FOUND",
  "INVALID_ARGUMENT",
]);

/**
 * Holds writes against the logs: each that was acknowledged is there once, within its calls; none that
 * was refused is there, and the refusal was right at an instant; none is there twice; and each entry
 * came after one that its writer expected.
 */
export function checkWrites(
  { calls }: Observed,
  timelines: ReadonlyMap<string, Timeline>,
  note: Note,
): void {
  const writes = Map.groupBy(
    calls.filter(({ terms }) => terms !== undefined),
    ({ terms }) => terms?.write ?? "",
  );
  for (const [write, tries] of writes) {
    const [first] = tries;
    if (first === undefined || !("tag" in first.asked)) continue;
    const timeline = timelines.get(first.asked.tag);
    if (timeline === undefined) continue;
    const found = timeline.entries.filter(({ reason }) => reason === write);
    checkCount(write, tries, found, note);
    const [entry] = found;
    if (entry !== undefined) checkWritten(first, tries, entry, timeline, note);
    for (const call of tries) checkRefusal(call, timeline, note);
  }
  const known = new Set(writes.keys());
  for (const { tag, entries } of timelines.values()) {
    for (const { seq, reason } of entries) {
      if (reason === undefined || !known.has(reason)) note(`nobody wrote ${tag}@${seq}`);
    }
  }
}

function checkCount(
  write: string,
  tries: readonly Call[],
  found: readonly RawEntry[],
  note: Note,
): void {
  const places = found.map(({ seq }) => seq).join(" and ");
  if (found.length > 1) note(`the write ${write} is there ${found.length} times, at ${places}`);
  if (found.length > 0) {
    const last = tries.findLast(({ answer }) => answer.kind === "entry" || !isOpen(answer));
    const refused = last?.answer.kind === "error" ? last.answer.code : undefined;
    const wasOpenBefore = tries.slice(0, -1).some(({ answer }) => isOpen(answer));
    if (refused !== undefined && (refusalCodes.has(refused) || !wasOpenBefore)) {
      if (!tries.some(({ answer }) => isOpen(answer)) || refusalCodes.has(refused)) {
        note(`the write ${write} was refused with ${refused}, but stands at ${places}`);
      }
    }
    return;
  }
  if (tries.some(({ answer }) => answer.kind === "entry")) {
    note(`the write ${write} was acknowledged and is not there`);
  }
}

function isOpen(answer: Call["answer"]): boolean {
  return answer.kind === "error" && openCodes.has(answer.code);
}

function checkWritten(
  first: Call,
  tries: readonly Call[],
  entry: RawEntry,
  timeline: Timeline,
  note: Note,
): void {
  const { asked, terms } = first;
  const name = `${timeline.tag}@${entry.seq} of call ${first.id}`;
  for (const { answer, to, id } of tries) {
    if (answer.kind !== "entry") continue;
    if (answer.entry?.seq !== entry.seq || answer.entry.sha256 !== entry.sha256) {
      note(`call ${id} was told of ${answer.entry?.seq}, where ${entry.seq} was written`);
    }
    if (entry.step <= first.from || entry.step > to) {
      note(`${name} was written outside of its calls`);
    }
  }
  if (terms?.nonce !== undefined && terms.nonce !== entry.nonce) note(`${name} has another nonce`);
  if (terms?.expect !== undefined && !holds(terms.expect, timeline, entry.seq - 1)) {
    note(`${name} expected ${terms.expect}, which did not hold before it`);
  }
  const isOfLive = asked.kind === "remove" || asked.kind === "annotate";
  if (isOfLive && !timeline.isLive(entry.seq - 1)) note(`${name} came after no live entry`);
  if (canonical(wanted(first, timeline, entry)) !== canonical(shown(entry))) {
    note(`${name} says ${canonical(shown(entry))}, which is not what was asked`);
  }
}

/** What an entry is to say of the write that was asked. */
function wanted(
  { asked }: Call,
  timeline: Timeline,
  { seq }: RawEntry,
): Readonly<Record<string, unknown>> {
  switch (asked.kind) {
    case "append":
      return { op: "set", digest: asked.digest };
    case "remove":
      return { op: "delete" };
    case "annotate":
      return {
        op: "annotate",
        digest: timeline.entry(seq - 1)?.digest,
        annotations: { words: asked.words },
      };
    case "rollback": {
      const old = timeline.entry(asked.seq);
      const annotations = old?.json["annotations"];
      return { op: "restore", restored: asked.seq, digest: old?.digest, annotations };
    }
    default:
      return {};
  }
}

function shown({ json, op, digest }: RawEntry): Readonly<Record<string, unknown>> {
  const { restored, annotations } = json;
  return { op, digest, restored, annotations: isRecord(annotations) ? annotations : undefined };
}

/** A refusal must have been right at some instant of its call. */
function checkRefusal(call: Call, timeline: Timeline, note: Note): void {
  const { answer, asked, terms, id } = call;
  if (answer.kind !== "error" || !refusalCodes.has(answer.code)) return;
  const states = statesOf(call, timeline);
  const name = `call ${id} (${asked.kind} ${timeline.tag}) was refused with ${answer.code}`;
  const range = `the tag was at ${states.join(", ")}`;
  if (answer.code === "PRECONDITION_FAILED") {
    const expect = terms?.expect;
    if (expect === undefined) {
      note(`${name}, but expected nothing`);
      return;
    }
    const wrong = states.filter((seq) => !holds(expect, timeline, seq));
    if (wrong.length === 0) note(`${name}, but ${expect} held all the time: ${range}`);
    const current = answer.current?.seq ?? 0;
    if (!wrong.includes(current)) note(`${name} because of ${current}, but ${range}`);
  } else if (asked.kind === "rollback") {
    const old = timeline.entry(asked.seq);
    const wasAbsent = asked.seq > (states[0] ?? 0);
    const isRight = answer.code === "NOT_FOUND" ? wasAbsent : old?.op === "delete";
    if (!isRight) note(`${name}, but there is ${asked.seq}: ${range}`);
  } else if (asked.kind === "append" || answer.code === "INVALID_ARGUMENT") {
    note(`${name}: ${answer.message}`);
  } else if (states.every((seq) => timeline.isLive(seq))) {
    note(`${name}, but was live all the time: ${range}`);
  }
}

/** Sequences at which the tag was at some instant of a call. */
export function statesOf({ from, to }: Call, timeline: Timeline): number[] {
  const low = timeline.at(from);
  return Array.from({ length: timeline.at(to) - low + 1 }, (_, index) => low + index);
}

function holds(expect: TagExpectation, timeline: Timeline, seq: number): boolean {
  if (expect === "absent") return !timeline.isLive(seq);
  return typeof expect === "number" ? seq === expect : timeline.entry(seq)?.digest === expect;
}
