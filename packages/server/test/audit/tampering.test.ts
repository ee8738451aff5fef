import { beforeEach, describe, expect, test } from "vitest";
import { type Bucket, collect, type MemoryBucket, memoryBucket } from "@bitstore/core";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import type { AuditHead } from "../../src/audit/audit-record.ts";
import { auditKey, auditPrefix, formatHead, parseHead } from "../../src/audit/segment.ts";
import { verifyAudit } from "../../src/audit/verify-audit.ts";

const key = auditKey(Buffer.alloc(32, 3));
const limits = { windowMs: 1, pauseMs: 1 };
const who = { principal: "ci", namespace: "default" } as const;

let bucket: MemoryBucket;
let head: AuditHead | undefined;

/** Writes a chain of five segments, and closes it unless told otherwise. */
async function write(closes = true): Promise<void> {
  const log = openAuditLog(bucket, { key, limits });
  for (let at = 0; at < 5; at += 1) {
    await log.append({ ...who, phase: "intent", id: `id-${at}`, operation: "delete" });
  }
  if (closes) await log[Symbol.asyncDispose]();
  head = log.head();
}

/** Keys of all segments, oldest first: they count down. */
async function keysOf(from: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of from.list(auditPrefix)) keys.unshift(info.key);
  return keys;
}

async function textOf(name: string): Promise<string> {
  const content = await bucket.read(name);
  if (content === undefined) throw new Error("it is not there");
  return new TextDecoder().decode(await collect(content.body));
}

async function problems(options: Parameters<typeof verifyAudit>[1] = {}): Promise<string[]> {
  const found = await verifyAudit(bucket, options);
  return found.problems.map(({ segment, problem }) => `${segment} ${problem}`);
}

beforeEach(() => {
  bucket = memoryBucket();
  head = undefined;
});

describe("an audit finds", () => {
  test("nothing in a log that is whole", async () => {
    // With and without the key.
    await write();
    expect(await problems()).toEqual([]);
    expect(await problems({ key })).toEqual([]);
    expect(await keysOf(bucket)).toHaveLength(6);
  });

  test("a record that was edited", async () => {
    // In each segment in turn but the last, whose edit only the key shows.
    for (let at = 0; at < 6; at += 1) {
      bucket = memoryBucket();
      await write();
      const name = (await keysOf(bucket))[at] ?? "";
      const text = await textOf(name);
      const edited = text.includes("ci")
        ? text.replace('"ci"', '"me"')
        : text.replace('"time":"20', '"time":"19');
      await bucket.put(name, new TextEncoder().encode(edited));
      expect(await problems({ key })).toContain(`${at + 1} its signature does not hold`);
      if (at < 5)
        expect(await problems()).toContain(`${at + 2} it does not follow from the one before it`);
    }
  });

  test("a segment that was removed, wherever it was", async () => {
    // The last one of a closed chain leaves it open, which its closing segment would not be.
    for (let at = 0; at < 5; at += 1) {
      bucket = memoryBucket();
      await write();
      await bucket.delete((await keysOf(bucket))[at] ?? "");
      expect(await problems()).toContain(`${at + 1} it is missing`);
    }
  });

  test("segments that were exchanged, or moved to another chain", async () => {
    // Their bytes are right, their places wrong.
    await write();
    const [, second = "", third = ""] = await keysOf(bucket);
    const [one, two] = [await textOf(second), await textOf(third)];
    await bucket.put(second, new TextEncoder().encode(two));
    await bucket.put(third, new TextEncoder().encode(one));
    expect(await problems()).toEqual(
      expect.arrayContaining(["2 it belongs elsewhere", "3 it belongs elsewhere"]),
    );
  });

  test("a chain that was cut short, by what is known of it elsewhere", async () => {
    // By a head that the operator kept; and by the anchor of a chain that began later.
    await write(false);
    const kept = head;
    if (kept === undefined) throw new Error("nothing was written");
    expect(parseHead(formatHead(kept))).toEqual(kept);
    const last = (await keysOf(bucket)).at(-1) ?? "";
    const bytes = new TextEncoder().encode(await textOf(last));
    await bucket.delete(last);
    expect((await verifyAudit(bucket)).chains).toMatchObject([{ end: "open", segments: 4 }]);
    expect(await problems({ anchors: [kept] })).toEqual(["5 it was cut off"]);
    const other = new TextDecoder().decode(bytes).replace('"ci"', '"me"');
    await bucket.put(last, new TextEncoder().encode(other));
    expect(await problems()).toEqual([]);
    expect(await problems({ anchors: [kept] })).toEqual(["5 it is not what was anchored of it"]);
    await bucket.put(last, bytes);
    expect(await problems({ anchors: [kept] })).toEqual([]);
    await write();
    await bucket.delete(last);
    expect(await problems()).toEqual(["5 it was cut off"]);
  });

  test("a chain whose closing segment was cut off and made anew", async () => {
    // Somebody who can write but lacks the key ends the chain earlier, hashes and all.
    await write();
    const keys = await keysOf(bucket);
    const [fourth = "", fifth = "", closing = ""] = keys.slice(3);
    const text = await textOf(fifth);
    const header = JSON.parse(text.split("\n")[0] ?? "") as object;
    await bucket.delete(closing);
    const forged = `${JSON.stringify({ ...header, records: 0, closed: true })}\n`;
    await bucket.put(fifth, new TextEncoder().encode(forged));
    expect(await textOf(fourth)).not.toBe("");
    expect(await problems()).toEqual([]);
    expect(await problems({ key })).toEqual(["5 its signature does not hold"]);
  });

  test("a chain that is gone", async () => {
    // The one that began after it had seen it.
    await write();
    const all = await keysOf(bucket);
    await write();
    for (const name of all) await bucket.delete(name);
    expect(await problems()).toEqual(["0 the chain is gone; it had 6 segments at least"]);
  });

  test("what is no log without failing over it", async () => {
    // Objects that somebody put beside the segments.
    await write();
    const name = (await keysOf(bucket))[2] ?? "";
    for (const junk of ["", "{}", "null\n", "x".repeat(1000), '{"format":2}\n']) {
      await bucket.put(name, new TextEncoder().encode(junk));
      expect(await problems()).toContain("3 its bytes are no segment");
    }
    await bucket.put(`${auditPrefix}other/thing`, new Uint8Array(1));
    expect((await verifyAudit(bucket)).chains).toHaveLength(1);
  });
});
