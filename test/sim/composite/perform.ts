import type { Scheduler } from "@bitstore/conformance";
import {
  type ByteRange,
  type Clock,
  type Composite,
  type Content,
  type ErrorCode,
  fetchMany,
  isStoreError,
} from "@bitstore/core";
import type { Answer, Blob, Call, FetchedOne } from "./observed.ts";
import type { Pace, PlannedOperation } from "./plan.ts";

/** What the callers of one history share. */
export interface Stage {
  readonly sim: Scheduler;
  readonly store: Composite;
  readonly clock: Clock;
  readonly blobs: readonly Blob[];
  readonly calls: Call[];
  /** Signals of reads that are no shared fetches: ranges, explanations. */
  readonly apart: WeakSet<AbortSignal>;
}

interface Caller {
  readonly lane: string;
  readonly versions: Map<number, string>;
}

/** How long one has paused by itself. */
interface Watch {
  pausedMs: number;
}

/** Milliseconds after which a server notices that a client is gone. */
const vanishedMs = 10 * 60_000;

/** Malformed, and nothing that anybody could hold. */
const nonsense = "sha256:nonsense";

export async function performCaller(
  stage: Stage,
  lane: string,
  operations: readonly PlannedOperation[],
): Promise<void> {
  const caller: Caller = { lane, versions: new Map() };
  for (const operation of operations) {
    if (operation.kind === "wait") await stage.sim.pause(lane, "waits", operation.ms);
    else await performOne(stage, caller, operation);
    await stage.sim.point(lane, "next");
  }
}

/** Makes one call and takes down what came of it. */
export async function performOne(
  stage: Stage,
  caller: Caller,
  operation: PlannedOperation,
): Promise<Call> {
  const { sim } = stage;
  const controller = new AbortController();
  const { signal } = controller;
  if (operation.kind === "range" || operation.kind === "explain") stage.apart.add(signal);
  const abortMs = operation.abortAfterMs;
  const abort = (): void => {
    sim.trace.note(caller.lane, "gives up");
    controller.abort();
  };
  const cancel = abortMs === undefined ? undefined : stage.clock.after(abortMs, abort);
  const blob = "blob" in operation ? stage.blobs[operation.blob] : undefined;
  const watch: Watch = { pausedMs: 0 };
  const [startStep, startMs] = [sim.step, sim.timeMs];
  if (sim.trace.isOn) sim.trace.note(caller.lane, `calls ${JSON.stringify(operation)}`);
  let answer: Answer;
  try {
    answer = await invoke(stage, caller, operation, blob, signal, watch);
  } catch (error) {
    answer = { kind: "error", code: codeOf(error), text: String(error) };
  }
  cancel?.();
  if (sim.trace.isOn) sim.trace.note(caller.lane, `is told ${describe(answer)}`);
  const call: Call = {
    lane: caller.lane,
    operation,
    blob,
    startStep,
    startMs,
    endStep: sim.step,
    endMs: sim.timeMs,
    pausedMs: watch.pausedMs,
    answer,
    signal,
  };
  stage.calls.push(call);
  return call;
}

async function invoke(
  stage: Stage,
  caller: Caller,
  operation: PlannedOperation,
  blob: Blob | undefined,
  signal: AbortSignal,
  watch: Watch,
): Promise<Answer> {
  const { store } = stage;
  if (operation.kind === "wait") return { kind: "absent" };
  if (operation.kind === "fetch") return await fetchAll(stage, operation, signal);
  if (blob === undefined) throw new RangeError("there is no such blob");
  const { digest } = blob;
  switch (operation.kind) {
    case "open": {
      const content = await store.open(digest, { signal });
      return await take(stage, caller, content, operation.pace, watch);
    }
    case "range": {
      const range: ByteRange = { start: operation.start, end: operation.end };
      const version = operation.pinned ? caller.versions.get(blob.index) : undefined;
      const content = await store.open(digest, { range, version, signal });
      if (content?.version !== undefined) caller.versions.set(blob.index, content.version);
      return await take(stage, caller, content, operation.pace, watch);
    }
    case "stat":
    case "durable": {
      const found = await store[operation.kind](digest, { signal });
      return found === undefined ? { kind: "absent" } : { kind: "size", size: found.size };
    }
    case "explain":
      return { kind: "explained", explanation: await store.explain(digest, { signal }) };
    case "delete":
      return { kind: "deleted", was: await store.delete(digest, { signal }) };
    default: {
      const body = bodyOf(stage, caller, operation, blob);
      const named = operation.named ? { digest } : {};
      const result = await store.put(body, { ...named, signal });
      return { kind: "put", digest: result.digest, size: result.size };
    }
  }
}

function bodyOf(
  { sim }: Stage,
  { lane }: Caller,
  { streamed, fault }: PlannedOperation & { readonly kind: "put" },
  blob: Blob,
): Uint8Array | (() => AsyncGenerator<Uint8Array, void, void>) {
  const bytes = fault === "other bytes" ? wrongOf(blob.bytes) : blob.bytes;
  if (!streamed && fault !== "throws") return bytes;
  return async function* () {
    for (let at = 0; at < bytes.byteLength; at += 100) {
      await sim.point(lane, "gives bytes");
      if (fault === "throws" && at + 100 >= bytes.byteLength) break;
      yield bytes.subarray(at, at + 100);
    }
    if (fault === "throws") throw new Error("the body breaks");
  };
}

/** Bytes that differ in one bit, or by a byte where there are none. */
export function wrongOf(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0) return new Uint8Array([1]);
  const copy = new Uint8Array(bytes);
  const at = Math.floor(copy.byteLength / 2);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Takes the bytes of a read at a pace, and leaves early where that is planned. */
async function take(
  { sim }: Stage,
  { lane }: Caller,
  content: Content | undefined,
  pace: Pace,
  watch: Watch,
): Promise<Answer> {
  if (content === undefined) return { kind: "absent" };
  const { size, verified, range, source: tier, version } = content;
  const chunks: Uint8Array[] = [];
  const told = (ended: (Answer & { kind: "bytes" })["ended"]): Answer => ({
    kind: "bytes",
    bytes: Buffer.concat(chunks),
    ended,
    size,
    verified,
    range,
    tier,
    version,
  });
  const pause = async (): Promise<void> => {
    if (pace.pauseMs === 0) return;
    const fromMs = sim.timeMs;
    await sim.pause(lane, "reads on", pace.pauseMs);
    watch.pausedMs += sim.timeMs - fromMs;
  };
  const vanish = async (): Promise<void> => {
    if (!pace.vanishes) return;
    const fromMs = sim.timeMs;
    await sim.pause(lane, "is gone, and nobody knows", vanishedMs);
    watch.pausedMs += sim.timeMs - fromMs;
  };
  await pause();
  if (pace.leavesAfter === 0) {
    await vanish();
    await content[Symbol.asyncDispose]();
    return told("left");
  }
  try {
    if (pace.takes === "bytes") {
      chunks.push(await content.bytes());
      return told("clean");
    }
    for await (const chunk of content.body) {
      chunks.push(new Uint8Array(chunk));
      if (chunks.length === pace.leavesAfter) {
        await vanish();
        if (pace.disposes) await content[Symbol.asyncDispose]();
        return told("left");
      }
      await pause();
    }
    return told("clean");
  } catch (error) {
    if (pace.disposes) await content[Symbol.asyncDispose]();
    return told(codeOf(error));
  }
}

async function fetchAll(
  { store, blobs, clock }: Stage,
  { blobs: wanted, concurrencyMax, ordered }: PlannedOperation & { readonly kind: "fetch" },
  signal: AbortSignal,
): Promise<Answer> {
  const inputs = wanted.map((index) => blobs[index]?.digest ?? nonsense);
  const outcomes: FetchedOne[] = [];
  const fetched = fetchMany(store, inputs, {
    concurrencyMax,
    ordered,
    signal,
    clock,
    breakerWaitMsMax: 60_000,
    deliver: (content) => content.bytes(),
  });
  for await (const { input, status, digest, value } of fetched) {
    outcomes.push({ input, status, digest, bytes: value });
  }
  return { kind: "fetched", outcomes };
}

function codeOf(error: unknown): ErrorCode | "NOT_A_STORE_ERROR" {
  return isStoreError(error) ? error.code : "NOT_A_STORE_ERROR";
}

function describe(answer: Answer): string {
  switch (answer.kind) {
    case "bytes": {
      const { bytes, ended, size, verified, range, tier } = answer;
      const of = `${bytes.byteLength} bytes of ${range.start}-${range.end} of ${size} from ${tier}`;
      return `${of}, ${verified ? "verified" : "not verified"}, ended: ${ended}`;
    }
    case "error":
      return `${answer.code}: ${answer.text}`;
    case "fetched":
      return answer.outcomes.map(({ input, status }) => `${input.slice(0, 13)} ${status}`).join();
    case "explained":
      return `${answer.explanation.outcome} in ${answer.explanation.tier}`;
    default:
      return JSON.stringify(answer);
  }
}
