import { describe, expect, test } from "vitest";
import { type Bucket, isStoreError, memoryBucket, StoreError } from "@bitstore/core";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import type { AuditEvent } from "../../src/audit/audit-record.ts";
import { readAudit } from "../../src/audit/read-audit.ts";
import { auditPrefix, segmentRecordsMax } from "../../src/audit/segment.ts";
import { verifyAudit } from "../../src/audit/verify-audit.ts";

const quick = { windowMs: 1, pauseMs: 1, attemptMs: 1000 };

function event(id: string): AuditEvent {
  const who = { principal: "ci", namespace: "default" };
  return { phase: "intent", id, operation: "put", ...who };
}

async function idsOf(bucket: Bucket): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of readAudit(bucket)) ids.push(id);
  return ids;
}

function failure(
  message: string,
  code: "UNAVAILABLE" | "PERMISSION_DENIED" = "UNAVAILABLE",
): StoreError {
  return new StoreError({ code, operation: "put", message });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("the audit log", () => {
  test("stores records that come together in one object, in their order", async () => {
    // A thousand at once are far fewer objects; what was acknowledged is there, and the chain closed.
    const bucket = memoryBucket();
    const log = openAuditLog(bucket, { limits: quick });
    const ids = Array.from({ length: 2 * segmentRecordsMax }, (_, at) => `id-${at}`);
    await Promise.all(ids.map((id) => log.append(event(id))));
    expect(bucket.size).toBeLessThanOrEqual(3);
    await log[Symbol.asyncDispose]();
    expect(await idsOf(bucket)).toEqual(ids);
    const { chains, problems } = await verifyAudit(bucket);
    expect(problems).toEqual([]);
    expect(chains).toMatchObject([{ records: ids.length, end: "closed" }]);
    expect(await codeOf(log.append(event("late")))).toBe("UNAVAILABLE");
  });

  test("acknowledges nothing before it is stored", async () => {
    // The bucket holds its answer back; the record must wait for it.
    const inner = memoryBucket();
    const gate = Promise.withResolvers<void>();
    const bucket: Bucket = {
      ...inner,
      async put(...call) {
        await gate.promise;
        return await inner.put(...call);
      },
    };
    const log = openAuditLog(bucket, { limits: quick });
    let isDone = false;
    const appended = log.append(event("one")).then(() => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isDone).toBe(false);
    gate.resolve();
    await appended;
    expect(await idsOf(inner)).toEqual(["one"]);
  });

  test("fails whoever waits when the bucket does, and goes on with one chain when it is back", async () => {
    // The same bytes are stored under the same key later, so the chain has neither gap nor fork.
    const inner = memoryBucket();
    let isDown = true;
    const bucket: Bucket = {
      ...inner,
      put: (...call) => (isDown ? Promise.reject(failure("down")) : inner.put(...call)),
    };
    const log = openAuditLog(bucket, { limits: quick });
    expect(await codeOf(log.append(event("one")))).toBe("UNAVAILABLE");
    expect(await codeOf(log.append(event("two")))).toBe("UNAVAILABLE");
    isDown = false;
    await log.append(event("three"));
    await log[Symbol.asyncDispose]();
    expect(await idsOf(inner)).toEqual(["one", "three"]);
    const { chains, problems } = await verifyAudit(inner);
    expect(problems).toEqual([]);
    expect(chains).toHaveLength(1);
  });

  test("takes a lost answer for what it was", async () => {
    // Each object is stored, and every other answer lost: nothing may be written twice, or in vain.
    const inner = memoryBucket();
    let calls = 0;
    const bucket: Bucket = {
      ...inner,
      async put(...call) {
        const outcome = await inner.put(...call);
        calls += 1;
        if (calls % 2 === 1) throw failure("the answer was lost");
        return outcome;
      },
    };
    const log = openAuditLog(bucket, { limits: quick });
    for (let at = 0; at < 10; at += 1) await log.append(event(`id-${at}`));
    await log[Symbol.asyncDispose]();
    expect(await idsOf(inner)).toEqual(Array.from({ length: 10 }, (_, at) => `id-${at}`));
    expect((await verifyAudit(inner)).problems).toEqual([]);
  });

  test("works with credentials that may only create", async () => {
    // Reads and lists are refused, lost answers included; the log is read by somebody else.
    const inner = memoryBucket();
    let calls = 0;
    const deny = (): never => {
      throw failure("may only create", "PERMISSION_DENIED");
    };
    const bucket: Bucket = {
      ...inner,
      head: () => Promise.reject(failure("may only create", "PERMISSION_DENIED")),
      read: () => Promise.reject(failure("may only create", "PERMISSION_DENIED")),
      list: () => ({ [Symbol.asyncIterator]: deny }),
      listPrefixes: () => ({ [Symbol.asyncIterator]: deny }),
      async put(key, body, options) {
        expect(options?.ifAbsent).toBe(true);
        const outcome = await inner.put(key, body, options);
        calls += 1;
        if (calls === 2) throw failure("the answer was lost");
        return outcome;
      },
    };
    const log = openAuditLog(bucket, { limits: quick });
    for (let at = 0; at < 4; at += 1) await log.append(event(`id-${at}`));
    await log[Symbol.asyncDispose]();
    expect(await idsOf(inner)).toEqual(["id-0", "id-1", "id-2", "id-3"]);
    expect((await verifyAudit(inner)).problems).toEqual([]);
  });

  test("leaves a chain that somebody else writes into", async () => {
    // The next object's name is guessed and taken; the writer is told, and a new chain begins.
    const inner = memoryBucket();
    let isForging = false;
    const bucket: Bucket = {
      ...inner,
      async put(key, body, options) {
        if (isForging) {
          isForging = false;
          await inner.put(key, new TextEncoder().encode("forged"), { ifAbsent: true });
        }
        return await inner.put(key, body, options);
      },
    };
    const log = openAuditLog(bucket, { limits: quick });
    await log.append(event("one"));
    isForging = true;
    expect(await codeOf(log.append(event("two")))).toBe("UNAVAILABLE");
    await log.append(event("three"));
    await log[Symbol.asyncDispose]();
    // Two chains that began in one millisecond are read in the order of their names, which are random.
    expect((await idsOf(inner)).toSorted()).toEqual(["one", "three"]);
    expect((await verifyAudit(inner)).problems).toMatchObject([
      { problem: "its bytes are no segment" },
    ]);
  });

  test("refuses more than may wait", async () => {
    // The bucket does not answer at all; memory must not fill meanwhile.
    const bucket: Bucket = { ...memoryBucket(), put: () => new Promise(() => undefined) };
    const log = openAuditLog(bucket, { limits: { ...quick, waitingMax: 5 } });
    const first = log.append(event("first"));
    first.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let at = 0; at < 5; at += 1) log.append(event(`id-${at}`)).catch(() => undefined);
    expect(await codeOf(log.append(event("more")))).toBe("UNAVAILABLE");
  });

  test("of 16 at once has a chain for each, all of them whole", async () => {
    // Each writes in bursts into one bucket; then a seventeenth anchors what it finds.
    const bucket = memoryBucket();
    const logs = Array.from({ length: 16 }, () => openAuditLog(bucket, { limits: quick }));
    await Promise.all(
      logs.map(async (log, at) => {
        for (let round = 0; round < 5; round += 1) {
          await Promise.all([0, 1, 2].map((each) => log.append(event(`${at}-${round}-${each}`))));
        }
      }),
    );
    expect(new Set(await idsOf(bucket)).size).toBe(16 * 15);
    const open = await verifyAudit(bucket);
    expect(open.problems).toEqual([]);
    expect(open.chains.map(({ end }) => end)).toEqual(Array.from({ length: 16 }, () => "open"));
    const late = openAuditLog(bucket, { limits: quick });
    await late.append(event("late"));
    const ends = (await verifyAudit(bucket)).chains.map(({ end }) => end);
    expect(ends.filter((end) => end === "anchored")).toHaveLength(16);
    for await (const { key } of bucket.list(auditPrefix)) expect(key).toMatch(/\.ndjson$/);
  });
});
