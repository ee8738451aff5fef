import type { TagRecord, TagSetOptions } from "@bitstore/core";
import { expect } from "vitest";
import { all, expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { expectSeq, expectWholeLog, oneTo, recordOf } from "./tag-support.ts";

const actorBytesMax = 256;
const reasonBytesMax = 1024;
const annotationBytesMax = 32 * 1024;

/** Words of which every character takes six bytes in JSON. */
const escaped = "\u0001";

/** The limits of what an entry may say, at each and one byte beyond, and what they bound. */
export function tagLimitCases(suite: TagSuite): void {
  const atLimit: Readonly<Record<string, TagSetOptions>> = {
    actor: { actor: "a".repeat(actorBytesMax) },
    "actor of letters of two bytes": { actor: "é".repeat(actorBytesMax / 2) },
    reason: { reason: "r".repeat(reasonBytesMax) },
    "reason of letters of four bytes": { reason: "🚀".repeat(reasonBytesMax / 4) },
    "one annotation": { annotations: { key: "v".repeat(annotationBytesMax - 3) } },
    "annotation of letters of two bytes": {
      annotations: { key: "é".repeat((annotationBytesMax - 4) / 2), k: "" },
    },
    "one annotation, all in the key": { annotations: { ["k".repeat(annotationBytesMax)]: "" } },
  };
  for (const [what, options] of Object.entries(atLimit)) {
    suite.test(`${what} at the limit`, async () => {
      const tag = suite.freshTag();
      const entry = await suite.log.append(tag, await suite.target(1), options);
      expect(entry).toMatchObject(options);
      expect(await suite.other.head(tag)).toEqual(entry);
    });
  }

  const overLimit: Readonly<Record<string, TagSetOptions>> = {
    actor: { actor: "a".repeat(actorBytesMax + 1) },
    "actor of letters of two bytes": { actor: `${"é".repeat(actorBytesMax / 2)}a` },
    reason: { reason: "r".repeat(reasonBytesMax + 1) },
    "reason of letters of four bytes": { reason: `${"🚀".repeat(reasonBytesMax / 4)}r` },
    "one annotation": { annotations: { key: "v".repeat(annotationBytesMax - 2) } },
    "annotation of letters of two bytes": {
      annotations: { key: "é".repeat((annotationBytesMax - 4) / 2), k: "vv" },
    },
    "one annotation, all in the key": { annotations: { ["k".repeat(annotationBytesMax + 1)]: "" } },
    "many annotations": {
      annotations: Object.fromEntries(oneTo(1024).map((n) => [`${n}`, "v".repeat(32)])),
    },
  };
  for (const [what, options] of Object.entries(overLimit)) {
    suite.test(`${what} over the limit is refused`, async () => {
      const tag = suite.freshTag();
      const writing = suite.log.append(tag, await suite.target(1), options);
      await expectCode(writing, "INVALID_ARGUMENT", "TOO_LARGE");
      expect(await suite.other.head(tag)).toBeUndefined();
    });
  }

  suite.test("remove, annotate and rollback heed the limits", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const codes = ["INVALID_ARGUMENT", "TOO_LARGE"] as const;
    const options = { actor: "a".repeat(actorBytesMax + 1) };
    await expectCode(suite.log.remove(tag, options), ...codes);
    await expectCode(suite.log.rollback(tag, 1, options), ...codes);
    await expectCode(suite.log.annotate(tag, {}, options), ...codes);
    const annotations = { key: "v".repeat(annotationBytesMax) };
    await expectCode(suite.log.annotate(tag, annotations), ...codes);
    await expectSeq(suite.other, tag, 1);
  });

  fullEntryCases(suite);
}

function fullEntryCases(suite: TagSuite): void {
  suite.test("annotations of many keys, and of keys that objects have by themselves", async () => {
    const tag = suite.freshTag();
    const many = oneTo(500).map((n): [string, string] => [`key ${n}`, `value ${n}`]);
    const own: [string, string][] = [
      ["constructor", "b"],
      ["toString", "c"],
      ["1", "d"],
    ];
    const annotations = Object.fromEntries([...many, ...own]);
    const entry = await suite.log.append(tag, await suite.target(1), { annotations });
    expect(entry.annotations).toEqual(annotations);
    expect((await suite.other.head(tag))?.annotations).toEqual(annotations);
  });

  for (const key of ["", "__proto__"]) {
    suite.test(
      `an annotation whose key is ${JSON.stringify(key)} is refused, or kept`,
      async () => {
        const tag = suite.freshTag();
        const annotations = Object.fromEntries([[key, "value"]]);
        const writing = suite.log.append(tag, await suite.target(1), { annotations });
        const entry = await writing.catch(async () => {
          await expectCode(writing, "INVALID_ARGUMENT");
          return undefined;
        });
        const head = await suite.other.head(tag);
        expect(head?.seq).toBe(entry?.seq);
        // Compared as pairs: a key named __proto__ is lost where objects are compared.
        if (entry !== undefined) {
          expect(Object.entries(entry.annotations ?? {})).toEqual([[key, "value"]]);
          expect(Object.entries(head?.annotations ?? {})).toEqual([[key, "value"]]);
        }
      },
    );
  }

  const fullest: Readonly<Record<string, TagSetOptions>> = {
    "in plain letters": {
      actor: "a".repeat(actorBytesMax),
      reason: "r".repeat(reasonBytesMax),
      annotations: { key: "v".repeat(annotationBytesMax - 3) },
    },
    "in characters that JSON escapes": {
      actor: escaped.repeat(actorBytesMax),
      reason: escaped.repeat(reasonBytesMax),
    },
  };
  for (const [kind, options] of Object.entries(fullest)) {
    suite.test(`18 entries as full as they may be, ${kind}`, async () => {
      const tag = suite.freshTag();
      const records: TagRecord[] = [];
      for (const n of oneTo(18)) {
        const entry = await suite.log.append(tag, await suite.target(n), options);
        expect(entry).toMatchObject({ seq: n, ...options });
        // As many as there is room for: the newest ones, without a hole.
        expect(entry.recent).toEqual(records.slice(0, entry.recent.length));
        records.unshift(recordOf(entry));
      }
      expect(await all(suite.other.history(tag))).toEqual(records);
      await expectWholeLog(suite.other, tag, 18);
    });
  }

  suite.test("annotations that JSON escapes beyond a manifest are refused, or kept", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const annotations = { key: escaped.repeat(annotationBytesMax - 3) };
    const writing = suite.log.append(tag, await suite.target(1), { annotations });
    const entry = await writing.catch(async () => {
      await expectCode(writing, "INVALID_ARGUMENT", "TOO_LARGE");
      return undefined;
    });
    if (entry !== undefined) expect(entry.annotations).toEqual(annotations);
    await expectWholeLog(suite.other, tag, entry === undefined ? 1 : 2);
  });
}
