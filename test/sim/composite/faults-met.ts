import type { ScriptedRequest } from "@bitstore/conformance";
import type { Call, Observed } from "./observed.ts";

/** The kinds of fault that histories are to meet. */
const faults = [
  "slow",
  "silent",
  "stall",
  "reset",
  "flip",
  "cut",
  "extra",
  "403",
  "404",
  "429",
  "5xx",
  "lying length",
  "200 for 206",
  "lost answer",
  "slow reader",
  "vanished reader",
  "leaver",
  "abort",
  "rot",
  "full disk",
] as const;

type Fault = (typeof faults)[number];

export interface FaultsMet {
  add(observed: Observed): void;
  /** Those that no history has met yet. */
  readonly missing: readonly Fault[];
  /** One line: each fault and how often it was met. */
  line(): string;
}

/** An answer that took longer than that is slow. */
const slowMs = 1000;

/** Counts what really went wrong, not what was planned to: a fault that never strikes tests nothing. */
export function faultsMet(): FaultsMet {
  const counts = new Map<Fault, number>(faults.map((fault) => [fault, 0]));
  const met = (fault: Fault | undefined): void => {
    if (fault !== undefined) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  };
  return {
    add({ tiers, calls, diskFills, plan }) {
      for (const { bucket } of tiers) {
        for (const request of bucket?.requests ?? [])
          for (const fault of inRequest(request)) met(fault);
      }
      for (const call of calls) for (const fault of ofReader(call)) met(fault);
      for (const { kind } of plan.events) met(kind === "rot" || kind === "cut" ? "rot" : undefined);
      for (let count = 0; count < diskFills; count += 1) met("full disk");
    },
    get missing() {
      return faults.filter((fault) => counts.get(fault) === 0);
    },
    line: () => [...counts].map(([fault, count]) => `${fault} ${count}`).join(", "),
  };
}

function* inRequest(request: ScriptedRequest): Generator<Fault, void, void> {
  const { fate, told, struck, operation } = request;
  if (fate.isSilent === true) yield "silent";
  if (fate.hasEffect === true && (fate.isSilent === true || fate.failure !== undefined)) {
    yield "lost answer";
  }
  if (told === undefined) return;
  if ((fate.thereMs ?? 0) + (fate.backMs ?? 0) > slowMs) yield "slow";
  if (told === "failed") {
    const code = fate.failure?.code;
    if (code === "PERMISSION_DENIED" || code === "UNAUTHENTICATED") yield "403";
    else if (code === "RATE_LIMITED") yield "429";
    else if (code !== undefined) yield "5xx";
  }
  if (operation === "read" && told === "hit") {
    if (typeof fate.sizeBy === "number") yield "lying length";
    if (fate.ignoresRange === true) yield "200 for 206";
  }
  if (told === "miss" && fate.denies === true) yield "404";
  if (struck !== undefined) yield struck === "end" ? "cut" : struck;
}

function* ofReader({ operation, pausedMs, answer }: Call): Generator<Fault, void, void> {
  if (!("pace" in operation)) return;
  if (pausedMs > 0) yield "slow reader";
  if (answer.kind !== "bytes") return;
  if (answer.ended === "ABORTED") yield "abort";
  if (answer.ended === "left") {
    yield operation.pace.vanishes ? "vanished reader" : "leaver";
  }
}
