import type { Invocation, Observed } from "./observed.ts";
import { digestOf, entryKey, failed, recordOf, type Story, story, told } from "./story.ts";

const a = "a";
const head: Invocation = { kind: "head", tag: a, maxAgeMs: 0 };
const list: Invocation = { kind: "list", deleted: false, prefix: "" };
const append: Invocation = { kind: "append", tag: a, digest: digestOf(1) };
const remove: Invocation = { kind: "remove", tag: a };

/** Writes a history; what it returns stands in place of what was observed. */
type Build = (its: Story) => Partial<Observed> | void;

/** By the thing that is wrong with each: what the checker must say of it, and the history. */
export const wrongHistories: Readonly<Record<string, readonly [RegExp, Build]>> = {
  "an entry is replaced": [
    /an entry was replaced/,
    (its) => {
      its.set(a);
      its.effect("replaced", entryKey(a, 1));
    },
  ],
  "an entry is deleted": [
    /an entry was deleted/,
    (its) => {
      its.set(a);
      its.effect("deleted", entryKey(a, 1));
    },
  ],
  "a number is skipped": [
    /a gap, or no entry/,
    (its) => {
      its.set(a);
      its.entry(a, {}, 3);
    },
  ],
  "an object in a log is no entry": [
    /a gap, or no entry/,
    (its) => its.effect("created", "v1/sim/t/a/note.txt"),
  ],
  "the chain is broken": [
    /names another entry before it/,
    (its) => {
      its.set(a);
      its.entry(a, { prev: { seq: 1, sha256: "0".repeat(64) } });
    },
  ],
  "bytes are not canonical": [
    /is not canonical/,
    (its) => its.effect("created", entryKey(a, 1), '{"tag":"a", "seq":1}'),
  ],
  "a manifest is of another tag": [
    /says of itself that it is another/,
    (its) => {
      its.entry(a, { tag: "b" });
    },
  ],
  "a manifest tells another past": [
    /tells another past/,
    (its) => {
      its.set(a);
      its.entry(a, { recent: [] });
    },
  ],
  "time stands still": [
    /is not later than the entry before/,
    (its) => {
      const { time } = its.set(a);
      its.entry(a, { time });
    },
  ],
  "a nonce stands twice": [
    /a write came twice/,
    (its) => {
      const { nonce } = its.set(a);
      its.entry(a, { nonce });
    },
  ],
  "a write is there twice, under two nonces": [
    /is there 2 times, at 1 and 2/,
    (its) => {
      its.set(a);
      its.entry(a, { reason: "set-1" });
    },
  ],
  "nobody asked for an entry": [
    /nobody wrote a@1/,
    (its) => {
      its.entry(a);
    },
  ],
  "an acknowledged write is not there": [
    /was acknowledged and is not there/,
    (its) => {
      const entry = story().set(a);
      its.begin(append, { write: "w" })(told(entry));
    },
  ],
  "an acknowledged write is another's": [
    /was told of 1, where 2 was written/,
    (its) => {
      const first = its.set(a);
      const end = its.begin(append, { write: "w" });
      its.entry(a, { reason: "w", target: { digest: digestOf(1) } });
      end(told(first));
    },
  ],
  "a write is stored after its acknowledgement": [
    /was written outside of its calls/,
    (its) => {
      const end = its.begin(append, { write: "w" });
      const twin = story();
      twin.effect("created", "x");
      const entry = twin.entry(a, { reason: "w", target: { digest: digestOf(1) } });
      end(told(entry));
      const { sha256: _, ...json } = entry;
      its.entry(a, json);
    },
  ],
  "a refused write is there": [
    /was refused with UNAVAILABLE, but stands at 1/,
    (its) => {
      const end = its.begin(append, { write: "w" });
      its.entry(a, { reason: "w", target: { digest: digestOf(1) } });
      end(failed("UNAVAILABLE"));
    },
  ],
  "a write conflicts with itself": [
    /was refused with PRECONDITION_FAILED, but stands at 1/,
    (its) => {
      const terms = { write: "w", expect: "absent" } as const;
      its.begin(append, terms)(failed("INDETERMINATE"));
      const entry = its.entry(a, { reason: "w", target: { digest: digestOf(1) } });
      its.begin(append, terms)(failed("PRECONDITION_FAILED", entry));
    },
  ],
  "an expectation held, and is refused": [
    /but 1 held all the time/,
    (its) => {
      const entry = its.set(a);
      its.begin(append, { write: "w", expect: 1 })(failed("PRECONDITION_FAILED", entry));
    },
  ],
  "a refusal tells of a state that never was": [
    /because of 1, but the tag was at 2/,
    (its) => {
      const old = its.set(a);
      its.set(a);
      its.begin(append, { write: "w", expect: 5 })(failed("PRECONDITION_FAILED", old));
    },
  ],
  "nothing was expected, and is refused": [
    /but expected nothing/,
    (its) => its.begin(append, { write: "w" })(failed("PRECONDITION_FAILED")),
  ],
  "an expectation did not hold": [
    /expected absent, which did not hold before it/,
    (its) => {
      its.set(a);
      const end = its.begin(append, { write: "w", expect: "absent" });
      end(told(its.entry(a, { reason: "w", target: { digest: digestOf(1) } })));
    },
  ],
  "the caller's nonce is not used": [
    /has another nonce/,
    (its) => {
      const end = its.begin(append, { write: "w", nonce: "f".repeat(32) });
      end(told(its.entry(a, { reason: "w", target: { digest: digestOf(1) } })));
    },
  ],
  "another digest is written": [
    /which is not what was asked/,
    (its) => {
      const end = its.begin(append, { write: "w" });
      end(told(its.entry(a, { reason: "w", target: { digest: digestOf(2) } })));
    },
  ],
  "a live tag can't be removed": [
    /but was live all the time/,
    (its) => {
      its.set(a);
      its.begin(remove, { write: "w" })(failed("NOT_FOUND"));
    },
  ],
  "a deleted tag is removed again": [
    /came after no live entry/,
    (its) => {
      its.set(a);
      its.remove(a);
      its.remove(a);
    },
  ],
  "an old entry can't be restored": [
    /refused with NOT_FOUND, but there is 1/,
    (its) => {
      its.set(a);
      its.begin({ kind: "rollback", tag: a, seq: 1 }, { write: "w" })(failed("NOT_FOUND"));
    },
  ],
  "a head is old": [
    /was told of 1; the tag was at 2/,
    (its) => {
      const old = its.set(a);
      its.set(a);
      its.ask(head, told(old));
    },
  ],
  "a head is not there yet": [
    /was told of 2; the tag was at 1/,
    (its) => {
      its.set(a);
      const end = its.begin(head);
      const twin = story();
      twin.set(a);
      end(told({ ...twin.set(a) }));
    },
  ],
  "a reader goes back": [
    /was told of 1, call \d of 2/,
    (its) => {
      const old = its.set(a);
      its.ask(head, told(its.set(a)));
      its.ask({ ...head, maxAgeMs: 100_000 }, told(old));
    },
  ],
  "an entry is hidden": [
    /was told of nothing/,
    (its) => {
      its.set(a);
      its.ask({ kind: "get", tag: a, seq: 1 }, told(undefined));
    },
  ],
  "an entry is made up": [
    /an entry 1 that is not there/,
    (its) => {
      const entry = its.set(a);
      its.ask({ kind: "get", tag: a, seq: 1 }, told({ ...entry, sha256: "0" }));
    },
  ],
  "a time's entry is a later one": [
    /was told of 2/,
    (its) => {
      const { time } = its.set(a);
      const later = its.set(a);
      its.ask({ kind: "asOf", tag: a, atMs: Date.parse(time) }, told(later));
    },
  ],
  "a history leaves one out": [
    /was told a history of 2/,
    (its) => {
      its.set(a);
      const records = [recordOf(its.set(a))];
      const asked = { kind: "history", tag: a, before: undefined, limit: undefined } as const;
      its.ask(asked, { kind: "records", records });
    },
  ],
  "an audit tells of a problem": [
    /of a problem: a gap/,
    (its) => {
      const { sha256 } = its.set(a);
      const problems = [{ seq: 1, problem: "a gap" }];
      const verification = { tag: a, seq: 1, sha256, problems };
      its.ask({ kind: "verify", tag: a }, { kind: "verified", verification });
    },
  ],
  "a watch skips": [
    /of 2 after 0/,
    (its) => {
      its.set(a);
      its.ask({ kind: "watch", tag: a }, { kind: "entries", entries: [its.set(a)] });
    },
  ],
  "a watch ends early": [
    /of 1 entries only/,
    (its) => {
      const end = its.begin({ kind: "watch", tag: a });
      const entries = [its.set(a)];
      its.set(a);
      end({ kind: "entries", entries });
    },
  ],
  "a live tag is left out": [
    /leaves out a/,
    (its) => {
      its.set(a);
      its.ask(list, { kind: "names", names: [] });
    },
  ],
  "a deleted tag is shown": [
    /shows a/,
    (its) => {
      its.set(a);
      its.remove(a);
      its.ask(list, { kind: "names", names: [a] });
    },
  ],
  "a name is listed twice": [
    /out of order, or twice/,
    (its) => {
      its.set(a);
      its.ask(list, { kind: "names", names: [a, a] });
    },
  ],
  "a tombstone comes before its marker": [
    /a tombstone that was written without its marker/,
    (its) => {
      its.set(a);
      const end = its.begin(remove, { write: "w" });
      const entry = its.entry(a, { op: "delete", reason: "w", target: undefined });
      its.marker(a, 2);
      end(told(entry));
    },
  ],
  "a marker has no sequence": [
    /a marker without a sequence/,
    (its) => its.effect("created", "v1/sim/d/a/now"),
  ],
  "a marker is removed by nothing": [
    /was removed before a set after it/,
    (its) => {
      its.set(a);
      its.remove(a);
      its.marker(a, 2, "deleted");
    },
  ],
  "a caller hangs": [
    /did not end: deadlock \(c0\)/,
    () => ({ ended: "deadlock", unfinished: ["c0"] }),
  ],
  "fair weather brings a failure": [
    /failed in fair weather/,
    (its) => its.ask(head, failed("TIMEOUT")),
  ],
  "an abort comes from nobody": [/aborted by nobody/, (its) => its.ask(head, failed("ABORTED"))],
  "an error is none that is known": [
    /ended with INTERNAL/,
    (its) => its.ask(head, failed("INTERNAL")),
  ],
  "a read is indeterminate": [/is no write/, (its) => its.ask(head, failed("INDETERMINATE"))],
  "an alarm is false": [/a false alarm/, () => ({ alarms: ["went back"] })],
};

/** With nothing wrong. */
export const rightHistories: Readonly<Record<string, Build>> = {
  "sets, removals and what is told of them": (its) => {
    const first = its.set(a);
    const second = its.set(a, 2);
    its.ask(head, told(second));
    its.ask({ kind: "get", tag: a, seq: 1 }, told(first));
    its.remove(a);
    its.ask(list, { kind: "names", names: [] });
    its.set(a);
    its.marker(a, 3, "deleted");
    its.ask(list, { kind: "names", names: [a] });
  },
  "either state of a tag that moves meanwhile": (its) => {
    const first = its.set(a);
    const one = its.begin(head);
    const other = its.begin(head, undefined, "h1.1");
    const refused = its.begin(append, { write: "w", expect: 1 });
    const second = its.set(a);
    refused(failed("PRECONDITION_FAILED", second));
    one(told(first));
    other(told(second));
  },
  "a write of which nobody knows, there once or not at all": (its) => {
    its.begin(append, { write: "v" })(failed("INDETERMINATE"));
    its.begin(append, { write: "w" })(failed("INDETERMINATE"));
    its.entry(a, { reason: "w", target: { digest: digestOf(1) } });
    return { calmFromMs: Number.POSITIVE_INFINITY };
  },
  "a write that is found at its second try": (its) => {
    its.begin(append, { write: "w" })(failed("INDETERMINATE"));
    const entry = its.entry(a, { reason: "w", target: { digest: digestOf(1) } });
    its.begin(append, { write: "w" })(told(entry));
    return { calmFromMs: Number.POSITIVE_INFINITY };
  },
};
