import { createHash } from "node:crypto";
import type { Effect } from "@bitstore/conformance";
import { encodeTagName, parseDigest, type TagEntry, type TagRecord } from "@bitstore/core";
import { canonical } from "./json.ts";
import type { Answer, Call, Invocation, Observed, WriteTerms } from "./observed.ts";

/** A history that is written by hand, to see whether the checker sees what is wrong with it. */
export interface Story {
  /** Stores the next entry of a tag, as it should be but for what is given. */
  entry(tag: string, given?: Readonly<Record<string, unknown>>, sequence?: number): TagEntry;
  /** Stores or deletes any object. */
  effect(kind: Effect["kind"], key: string, text?: string): void;
  marker(tag: string, seq: number, kind?: Effect["kind"]): void;
  /** Begins a call; the function that is returned ends it with an answer. */
  begin(asked: Invocation, terms?: Partial<WriteTerms>, reader?: string): (answer: Answer) => void;
  /** A set that is as it should be: asked, stored, answered. */
  set(tag: string, n?: number): TagEntry;
  remove(tag: string): TagEntry;
  /** A call that begins and ends now. */
  ask(asked: Invocation, answer: Answer, reader?: string): void;
  told(given?: Partial<Observed>): Observed;
}

export const told = (entry: TagEntry | undefined): Answer => ({ kind: "entry", entry });

export function failed(
  code: Extract<Answer, { kind: "error" }>["code"],
  current?: TagEntry,
): Answer {
  return { kind: "error", code, message: "it failed", isPermanent: false, current };
}

export const digestOf = (n: number): string => `sha256:${String(n).repeat(64)}`;

const startMs = Date.UTC(2026, 0, 1);
const pad16 = (value: number): string => String(value).padStart(16, "0");

/** Key of an entry, by the protocol. */
export function entryKey(tag: string, seq: number): string {
  return `v1/sim/t/${encodeTagName(tag)}/${pad16(2 ** 53 - 1 - seq)}.json`;
}

export function story(): Story {
  const effects: Effect[] = [];
  const calls: Call[] = [];
  const logs = new Map<string, TagEntry[]>();
  let step = 0;
  let writes = 0;
  const instant = (): { step: number; timeMs: number } => {
    step += 1;
    return { step, timeMs: step * 10 };
  };

  function effect(kind: Effect["kind"], key: string, text = "x"): void {
    effects.push({ ...instant(), kind, key, bytes: new TextEncoder().encode(text) });
  }

  function entry(
    tag: string,
    given: Readonly<Record<string, unknown>> = {},
    sequence?: number,
  ): TagEntry {
    const log = logs.get(tag) ?? [];
    const before = log.at(-1);
    const seq = sequence ?? log.length + 1;
    const json = {
      schema: 1,
      namespace: "sim",
      tag,
      seq,
      op: "set",
      target: { digest: digestOf(seq % 10) },
      prev: before === undefined ? undefined : { seq: before.seq, sha256: before.sha256 },
      nonce: String(step).padStart(32, "0"),
      actor: "a",
      client: "c",
      time: new Date(startMs + step * 1000).toISOString(),
      recent: log.slice(-16).map(recordOf).toReversed(),
      ...given,
    };
    const text = canonical(json);
    effect("created", entryKey(tag, seq), text);
    const { schema, ...rest } = json;
    const sha256 = createHash("sha256").update(text).digest("hex");
    const made = { ...rest, sha256 } as unknown as TagEntry;
    if (schema === 1) logs.set(tag, [...log, made]);
    return made;
  }

  function begin(
    asked: Invocation,
    terms?: Partial<WriteTerms>,
    reader = "h0.1",
  ): (answer: Answer) => void {
    const { step: from, timeMs: fromMs } = instant();
    const id = calls.length;
    const full =
      terms === undefined
        ? undefined
        : { write: "?", expect: undefined, nonce: undefined, ...terms };
    const open = { id, reader, asked, terms: full, from, fromMs, isAborted: false };
    calls.push({
      ...open,
      to: Number.POSITIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
      answer: failed("no StoreError"),
    });
    return (answer) => {
      const { step: to, timeMs: toMs } = instant();
      calls[id] = { ...open, to, toMs, answer };
    };
  }

  const self: Story = {
    entry,
    effect,
    begin,
    marker: (tag, seq, kind = "created") =>
      effect(kind, `v1/sim/d/${encodeTagName(tag)}/${pad16(seq)}`),
    set(tag, n = 1) {
      writes += 1;
      const write = `set-${writes}`;
      const end = begin({ kind: "append", tag, digest: digestOf(n) }, { write });
      const made = entry(tag, { reason: write, target: { digest: parseDigest(digestOf(n)) } });
      end(told(made));
      return made;
    },
    remove(tag) {
      writes += 1;
      const write = `remove-${writes}`;
      const end = begin({ kind: "remove", tag }, { write });
      self.marker(tag, (logs.get(tag)?.length ?? 0) + 1);
      const made = entry(tag, { op: "delete", reason: write, target: undefined });
      end(told(made));
      return made;
    },
    ask: (asked, answer, reader) => begin(asked, undefined, reader)(answer),
    told: (given = {}) => ({
      namespace: "sim",
      tags: ["a", "b"],
      effects,
      calls,
      ended: "done",
      unfinished: [],
      calmFromMs: 0,
      isSteady: true,
      alarms: [],
      ...given,
    }),
  };
  return self;
}

/** What history shows of an entry. */
export function recordOf({ seq, op, target, time, actor, reason, nonce }: TagEntry): TagRecord {
  return { seq, op, digest: target?.digest, time, actor, reason, nonce };
}
