import {
  currentEntry,
  isStoreError,
  parseDigest,
  type Digest,
  type TagEntry,
  type TagExpectation,
  type TagWriteOptions,
} from "@bitstore/core";
import type { Answer, Call, Invocation, WriteTerms } from "./observed.ts";
import type { PlannedExpectation, PlannedOperation, PlannedWrite } from "./plan.ts";
import { epochMs, type Handle, type Stage } from "./run-history.ts";

/** One who calls: what it last saw of each tag is what it expects, and searches from. */
export interface Caller {
  readonly lane: string;
  readonly seen: Map<string, { readonly seq: number; readonly digest: Digest | undefined }>;
}

/** How long a watch goes on when all else is done: longer than an operation may take. */
const watchGraceMs = 150_000;

type WriteOperation = Extract<PlannedOperation, PlannedWrite>;

export async function performCaller(
  stage: Stage,
  caller: Caller,
  handleIndex: number,
  operations: readonly PlannedOperation[],
): Promise<void> {
  const handle = stage.handles[handleIndex];
  if (handle === undefined) throw new RangeError(`there is no handle ${handleIndex}`);
  for (const [index, operation] of operations.entries()) {
    await stage.sim.point(caller.lane, operation.kind);
    if (operation.kind === "reopen") handle.reopen();
    else if (operation.kind === "wait") await stage.sim.pause(caller.lane, "waited", operation.ms);
    else if ("retries" in operation) {
      await performWrite(stage, caller, handle, operation, `${caller.lane}-${index}`);
    } else {
      const asked = readOf(stage, operation);
      const { answer } = await perform(stage, handle, asked, undefined, operation.abortAfterMs);
      see(caller, asked, answer);
    }
  }
}

/** Writes, and tries again under the same nonce while nobody knows whether it was written. */
async function performWrite(
  stage: Stage,
  caller: Caller,
  first: Handle,
  operation: WriteOperation,
  write: string,
): Promise<void> {
  const { tag, retries, retryHandle } = operation;
  const asked = writeOf(operation, write);
  const known = caller.seen.get(tag);
  const expect = resolve(operation.expect, known);
  let nonce = operation.nonce === undefined ? undefined : stage.mintNonce();
  let base = operation.nonce === "with base" ? (known?.seq ?? 0) : undefined;
  let handle = first;
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    const terms: WriteTerms = { write, expect, nonce };
    const options: TagWriteOptions = {
      ...(expect === undefined ? {} : { expect }),
      ...(nonce === undefined ? {} : { nonce }),
      ...(base === undefined ? {} : { base }),
      reason: write,
    };
    const abortAfterMs = attempt === 0 ? operation.abortAfterMs : undefined;
    const done = await perform(stage, handle, asked, { terms, options }, abortAfterMs);
    see(caller, asked, done.answer);
    if (done.answer.kind !== "error") return;
    const { code } = done.answer;
    if (code === "INDETERMINATE" && nonce === undefined) ({ nonce, base } = retryOf(done.error));
    const mayRetry = code === "INDETERMINATE" || (code === "ABORTED" && nonce !== undefined);
    if (!mayRetry || nonce === undefined) return;
    handle = stage.handles[retryHandle ?? -1] ?? first;
    await stage.sim.point(caller.lane, "try again");
  }
}

export async function performWatch(
  stage: Stage,
  { tag, handle: index }: { readonly tag: string; readonly handle: number },
): Promise<void> {
  const handle = stage.handles[index];
  if (handle === undefined) throw new RangeError(`there is no handle ${index}`);
  const controller = new AbortController();
  stage.sim.spawn("watch", async () => {
    while (stage.callersLeft > 0) await stage.sim.pause("watch", "are all done?", 1000);
    for (let waitedMs = 0; waitedMs < watchGraceMs; waitedMs += 1000) {
      await stage.sim.pause("watch", "looks on", 1000);
    }
    controller.abort();
  });
  await recorded(stage, handle, { kind: "watch", tag }, undefined, async () => {
    const entries: TagEntry[] = [];
    try {
      const options = { since: 0, signal: controller.signal };
      for await (const entry of handle.log.watch(tag, options)) entries.push(entry);
    } catch (error) {
      if (!isStoreError(error, "ABORTED") || !controller.signal.aborted) throw error;
    }
    return { kind: "entries", entries };
  });
}

/** Asks everything once more when all is quiet, of a handle that remembers nothing. */
export async function performRest(stage: Stage, handle: Handle): Promise<void> {
  const ask = async (asked: Invocation): Promise<void> => {
    await perform(stage, handle, asked, undefined, undefined);
  };
  await ask({ kind: "list", deleted: false, prefix: "" });
  await ask({ kind: "list", deleted: true, prefix: "" });
  for (const tag of stage.plan.tags) {
    await ask({ kind: "head", tag, maxAgeMs: 0 });
    await ask({ kind: "history", tag, before: undefined, limit: undefined });
    await ask({ kind: "verify", tag });
  }
}

interface Done {
  readonly answer: Answer;
  readonly error: unknown;
}

async function perform(
  stage: Stage,
  handle: Handle,
  asked: Invocation,
  write: { readonly terms: WriteTerms; readonly options: TagWriteOptions } | undefined,
  abortAfterMs: number | undefined,
): Promise<Done> {
  if (abortAfterMs === undefined) {
    return await recorded(stage, handle, asked, write?.terms, () =>
      invoke(handle, asked, write?.options ?? {}),
    );
  }
  const controller = new AbortController();
  const { signal } = controller;
  const cancel = handle.clock.after(abortAfterMs, () => controller.abort());
  const call = { ...write?.options, signal };
  const done = await recorded(
    stage,
    handle,
    asked,
    write?.terms,
    () => invoke(handle, asked, call),
    signal,
  );
  cancel();
  return done;
}

const neverAnswered: Answer = {
  kind: "error",
  code: "no StoreError",
  message: "it never answered",
  isPermanent: true,
  current: undefined,
};

async function recorded(
  { sim, calls }: Stage,
  handle: Handle,
  asked: Invocation,
  terms: WriteTerms | undefined,
  run: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Done> {
  const { reader } = handle;
  const id = calls.length;
  const begun = { id, reader, asked, terms, from: sim.step, fromMs: sim.timeMs };
  // Its place is kept: a call that never answers is seen too.
  const open: Call = {
    ...begun,
    to: Number.POSITIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    isAborted: false,
    answer: neverAnswered,
  };
  calls.push(open);
  sim.trace.note(reader, `> ${id} ${JSON.stringify(asked)} ${JSON.stringify(terms ?? {})}`);
  let answer: Answer;
  let error: unknown;
  try {
    answer = await run();
  } catch (thrown) {
    error = thrown;
    answer = errorAnswer(thrown);
  }
  const isAborted = signal?.aborted === true;
  calls[id] = { ...begun, to: sim.step, toMs: sim.timeMs, isAborted, answer };
  if (sim.trace.isOn) sim.trace.note(reader, `< ${id} ${showAnswer(answer)}`);
  return { answer, error };
}

async function invoke(handle: Handle, asked: Invocation, call: TagWriteOptions): Promise<Answer> {
  const { log } = handle;
  switch (asked.kind) {
    case "append":
      return entry(await log.append(asked.tag, parseDigest(asked.digest), call));
    case "annotate":
      return entry(await log.annotate(asked.tag, { words: asked.words }, call));
    case "remove":
      return entry(await log.remove(asked.tag, call));
    case "rollback":
      return entry(await log.rollback(asked.tag, asked.seq, call));
    case "head":
      return entry(await log.head(asked.tag, { ...call, maxAgeMs: asked.maxAgeMs }));
    case "get":
      return entry(await log.get(asked.tag, asked.seq, call));
    case "asOf":
      return entry(await log.asOf(asked.tag, new Date(asked.atMs), call));
    case "history": {
      const { tag, before, limit } = asked;
      const found = log.history(tag, { ...call, before, limit });
      return { kind: "records", records: await collected(found) };
    }
    case "list": {
      const { deleted, prefix } = asked;
      const found = log.list({ ...call, deleted, prefix });
      return { kind: "names", names: await collected(found) };
    }
    case "verify":
      return { kind: "verified", verification: await log.verify(asked.tag, call) };
    default:
      throw new RangeError("a watch is performed by itself");
  }
}

const entry = (found: TagEntry | undefined): Answer => ({ kind: "entry", entry: found });

function errorAnswer(error: unknown): Answer {
  if (!isStoreError(error)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const code = "no StoreError";
    return { kind: "error", code, message, isPermanent: true, current: undefined };
  }
  const { code, message, persistence } = error;
  const isPermanent = persistence === "permanent";
  return { kind: "error", code, message, isPermanent, current: currentEntry(error) };
}

function readOf(
  stage: Stage,
  operation: Exclude<PlannedOperation, PlannedWrite | { kind: "reopen" } | { kind: "wait" }>,
): Invocation {
  const { kind } = operation;
  switch (kind) {
    case "head":
      return { kind, tag: operation.tag, maxAgeMs: operation.maxAgeMs ?? 0 };
    case "get":
      return { kind, tag: operation.tag, seq: operation.seq };
    case "asOf": {
      const atMs = Math.floor(epochMs + operation.share * (stage.sim.timeMs + 2000));
      return { kind, tag: operation.tag, atMs };
    }
    case "history":
      return { kind, tag: operation.tag, before: operation.before, limit: operation.limit };
    case "list":
      return { kind, deleted: operation.deleted, prefix: operation.prefix ?? "" };
    default:
      return { kind, tag: operation.tag };
  }
}

function writeOf(operation: WriteOperation, write: string): Invocation {
  const { kind, tag } = operation;
  switch (kind) {
    case "append":
      return { kind, tag, digest: digestOf(operation.digest) };
    case "annotate":
      return { kind, tag, words: write };
    case "remove":
      return { kind, tag };
    default:
      return { kind, tag, seq: operation.seq };
  }
}

function resolve(
  expect: PlannedExpectation | undefined,
  known: { readonly seq: number; readonly digest: Digest | undefined } | undefined,
): TagExpectation | undefined {
  if (expect === undefined || expect === "absent") return expect;
  if (expect === "seen seq") return known?.seq ?? 0;
  if (expect === "seen digest") return known?.digest ?? "absent";
  return "seq" in expect ? expect.seq : digestOf(expect.digest);
}

function see(caller: Caller, asked: Invocation, answer: Answer): void {
  if (answer.kind !== "entry" || asked.kind === "get" || asked.kind === "asOf") return;
  if (answer.entry === undefined || !("tag" in asked)) return;
  const { seq, target } = answer.entry;
  // The entry of a write that was tried again may be an old one.
  if (seq < (caller.seen.get(asked.tag)?.seq ?? 0)) return;
  caller.seen.set(asked.tag, { seq, digest: target?.digest });
}

/** Takes from INDETERMINATE what the write is to be tried again with. */
function retryOf(error: unknown): { nonce: string | undefined; base: number | undefined } {
  const found = typeof error === "object" && error !== null && "retry" in error && error.retry;
  if (typeof found !== "object" || found === null || !("nonce" in found) || !("base" in found)) {
    return { nonce: undefined, base: undefined };
  }
  return { nonce: String(found.nonce), base: Number(found.base) };
}

function digestOf(n: number): Digest {
  return parseDigest(`sha256:${String(n).repeat(64)}`);
}

function showAnswer(answer: Answer): string {
  switch (answer.kind) {
    case "entry":
      return answer.entry === undefined
        ? "nothing"
        : `${answer.entry.seq} ${answer.entry.op} ${answer.entry.target?.digest.slice(7, 9) ?? ""}`;
    case "names":
      return answer.names.join(" ");
    case "records":
      return answer.records.map(({ seq }) => seq).join(" ");
    case "entries":
      return answer.entries.map(({ seq }) => seq).join(" ");
    case "verified":
      return JSON.stringify(answer.verification);
    default:
      return `${answer.code} ${answer.message}`;
  }
}

async function collected<T>(found: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of found) items.push(item);
  return items;
}
