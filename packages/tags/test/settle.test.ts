import {
  type AlarmEvent,
  type Bucket,
  isStoreError,
  memoryBucket,
  retryOf,
  StoreError,
  type TagLog,
} from "@bitstore/core";
import { type FaultScript, faultyBucket, inTurn } from "@bitstore/conformance";
import { tagLog, type TagLimits, trustTargets } from "@bitstore/tags";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { digestNumber } from "./digests.ts";

// What a writer makes of answers that say nothing: each case scripts what the bucket does to one call.
// The pauses between attempts are none here, so that nothing waits.

const quick: Partial<TagLimits> = { pauseMs: 0, deadlineMs: 2000, attemptMs: 200 };

function log(bucket: Bucket, limits: Partial<TagLimits> = {}): TagLog {
  return tagLog(bucket, { checkTarget: trustTargets, limits: { ...quick, ...limits } });
}

/** Makes a namespace that was written before, and a writer to it whose requests meet the faults. */
async function prepared(script: FaultScript): Promise<{ inner: Bucket; writer: TagLog }> {
  const inner = memoryBucket();
  await log(inner).append("a", digestNumber(1));
  const writer = log(faultyBucket(inner, script));
  return { inner, writer };
}

describe("an answer that was lost", () => {
  it.each(["UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "INTERNAL"] as const)(
    "as %s, after the entry was written, is found out: written once, no conflict with itself",
    async (code) => {
      const { inner, writer } = await prepared(inTurn({ put: [{ failAfter: code }] }));
      const entry = await writer.append("a", digestNumber(2), { expect: 1 });
      expect(entry.seq).toBe(2);
      await expect(log(inner).head("a")).resolves.toMatchObject({ seq: 2, nonce: entry.nonce });
    },
  );

  it("is found out after the sequence went to somebody else: the write comes behind", async () => {
    const inner = memoryBucket();
    await log(inner).append("a", digestNumber(1));
    const other = log(inner);
    const bucket: Bucket = {
      ...inner,
      serviceTime: () => inner.serviceTime(),
      async put(key, body, options) {
        if (options?.ifAbsent === true && (await inner.head(key)) === undefined) {
          if ((await other.head("a"))?.seq === 1) {
            await other.append("a", digestNumber(7));
            throw new StoreError({ code: "TIMEOUT", operation: "put", message: "no answer" });
          }
        }
        return await inner.put(key, body, options);
      },
    };
    await expect(log(bucket).append("a", digestNumber(2))).resolves.toMatchObject({ seq: 3 });
    await expect(log(bucket).append("a", digestNumber(3), { expect: 1 })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
      current: { seq: 3 },
    });
  });

  it("that can't be found out is INDETERMINATE, and the same nonce settles it", async () => {
    const { inner, writer } = await prepared(({ operation, turn }) => {
      if (operation === "put") return { failAfter: "TIMEOUT" };
      // The format, the head and the entry are read; what would settle the put is not.
      return operation === "read" && turn > 2 ? { fail: "UNAVAILABLE" } : undefined;
    });
    const error = await writer
      .append("a", digestNumber(2), { expect: 1 })
      .catch((reason: unknown) => reason);
    if (!isStoreError(error, "INDETERMINATE")) throw error;
    const retry = retryOf(error);
    expect(retry?.base).toBe(1);
    await log(inner).append("a", digestNumber(3));
    // It was written, though nobody knew: trying again finds it, also behind what came after it.
    await expect(
      log(inner).append("a", digestNumber(2), { expect: 1, ...retry }),
    ).resolves.toMatchObject({ seq: 2 });
    await expect(log(inner).head("a")).resolves.toMatchObject({ seq: 3 });
  });

  it("is found out by its nonce also after the blob itself has gone", async () => {
    const bucket = memoryBucket();
    let isThere = true;
    const checkTarget = (): Promise<object | undefined> =>
      Promise.resolve(isThere ? {} : undefined);
    const writer = tagLog(bucket, { checkTarget, limits: quick });
    const nonce = "a".repeat(32);
    await writer.append("a", digestNumber(1), { nonce });
    isThere = false;
    await expect(writer.append("a", digestNumber(1), { nonce })).resolves.toMatchObject({ seq: 1 });
    await expect(writer.append("a", digestNumber(1))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("of a service that refuses is no ambiguity", async () => {
    for (const code of ["PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT"] as const) {
      const { inner, writer } = await prepared(inTurn({ put: [{ fail: code }] }));
      await expect(writer.append("a", digestNumber(2))).rejects.toMatchObject({ code });
      await expect(log(inner).head("a")).resolves.toMatchObject({ seq: 1 });
    }
  });

  it("before a refusal is still open", async () => {
    const script: FaultScript = ({ operation, turn }) => {
      if (operation === "put")
        return turn === 1 ? { fail: "TIMEOUT" } : { fail: "PERMISSION_DENIED" };
      return undefined;
    };
    const { writer } = await prepared(script);
    await expect(writer.append("a", digestNumber(2))).rejects.toMatchObject({
      code: "INDETERMINATE",
    });
  });
});

describe("a write that is given up", () => {
  it("carries what to go on with, so that it is not written twice", async () => {
    const { inner, writer } = await prepared(inTurn({ put: [{ stall: true }] }));
    const controller = new AbortController();
    const writing = writer.append("a", digestNumber(2), { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    const error = await writing.catch((reason: unknown) => reason);
    if (!isStoreError(error, "ABORTED")) throw error;
    const retry = retryOf(error);
    const again = await log(inner).append("a", digestNumber(2), { ...retry });
    await expect(log(inner).append("a", digestNumber(2), { ...retry })).resolves.toMatchObject({
      seq: again.seq,
    });
  });

  it("ends with its own time, also where it waits for others of its process", async () => {
    const { writer: blocked } = await prepared(inTurn({ put: { stall: true } }));
    const startedMs = performance.now();
    const codes = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        blocked.append("a", digestNumber(n)).catch((error: unknown) => error),
      ),
    );
    // One after the other they would take six times two seconds.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(codes.every((error) => isStoreError(error))).toBe(true);
    expect(codes[5]).toMatchObject({ code: "UNAVAILABLE", persistence: "exhausted" });
  });
});

describe("a storm", () => {
  it.each(["RATE_LIMITED", "UNAVAILABLE"] as const)("of %s ends, with one entry", async (code) => {
    const storm = Array.from({ length: 12 }, () => ({ fail: code }));
    const { inner, writer } = await prepared(inTurn({ put: storm }));
    await expect(writer.append("a", digestNumber(2))).resolves.toMatchObject({ seq: 2 });
    await expect(log(inner).verify("a")).resolves.toMatchObject({ seq: 2, problems: [] });
  });

  it("that does not end is INDETERMINATE at the deadline", async () => {
    const bucket = faultyBucket(memoryBucket(), ({ subject }) =>
      subject.includes("/t/") ? { fail: "RATE_LIMITED" } : undefined,
    );
    const writer = log(bucket, { pauseMs: 5, deadlineMs: 100 });
    // Its head can't even be read, so nothing was sent that could be written.
    await expect(writer.append("a", digestNumber(1))).rejects.toMatchObject({
      code: "RATE_LIMITED",
      persistence: "exhausted",
    });
    const { writer: known } = await prepared(inTurn({ put: { fail: "RATE_LIMITED" } }));
    const patient = known.append("a", digestNumber(2));
    await expect(patient).rejects.toMatchObject({ code: "INDETERMINATE" });
  }, 20_000);

  it("of silence ends each request in its time", async () => {
    const { inner, writer } = await prepared(inTurn({ put: [{ stall: true }, { stall: true }] }));
    await expect(writer.append("a", digestNumber(2))).resolves.toMatchObject({ seq: 2 });
    await expect(log(inner).verify("a")).resolves.toMatchObject({ problems: [] });
  });
});

describe("a reader", () => {
  it("never goes back, and raises an alarm where the log did", async () => {
    const bucket = memoryBucket();
    let nowMs = 0;
    const clock = { now: () => nowMs, after: () => () => undefined };
    const reader = tagLog(bucket, { checkTarget: trustTargets, clock });
    for (const n of [1, 2, 3]) await reader.append("a", digestNumber(n));
    const alarms: AlarmEvent[] = [];
    const onAlarm = (event: unknown): void => void alarms.push(event as AlarmEvent);
    subscribe("bitstore:alarm", onAlarm);
    try {
      await bucket.delete(`v1/default/t/a/${2 ** 53 - 1 - 3}.json`);
      await expect(reader.head("a")).resolves.toMatchObject({ seq: 3 });
      expect(alarms).toEqual([]);
      nowMs += 300_001;
      await expect(reader.head("a")).resolves.toMatchObject({ seq: 3 });
      expect(alarms).toMatchObject([{ kind: "tag-head-went-back", subject: "a" }]);
    } finally {
      unsubscribe("bitstore:alarm", onAlarm);
    }
  });

  it("refuses an object in a log that it does not know, rather than skip it", async () => {
    const bucket = memoryBucket();
    await log(bucket).append("a", digestNumber(1));
    await bucket.put("v1/default/t/a/0-zipped.zst", new Uint8Array(1));
    await expect(log(bucket).head("a")).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(log(bucket).verify("a")).resolves.toMatchObject({
      seq: 1,
      problems: [{ problem: expect.stringContaining("is no entry") }],
    });
  });

  it("takes objects that are too long, or nested too deeply, for no manifests", async () => {
    const bucket = memoryBucket();
    for (const n of [1, 2, 3]) await log(bucket).append("a", digestNumber(n));
    const key = (seq: number): string => `v1/default/t/a/${2 ** 53 - 1 - seq}.json`;
    await bucket.put(key(1), new Uint8Array(65 * 1024).fill(32));
    await bucket.put(key(2), new TextEncoder().encode("[".repeat(25_000) + "]".repeat(25_000)));
    const { problems } = await log(bucket).verify("a");
    expect(new Set(problems.map(({ seq }) => seq))).toEqual(new Set([1, 2]));
  });

  it("takes no marker of a sequence that can't be for the newest", async () => {
    const bucket = memoryBucket();
    await log(bucket).append("a", digestNumber(1));
    await log(bucket).remove("a");
    await bucket.put("v1/default/d/a/9999999999999999", new Uint8Array(1));
    const names: string[] = [];
    for await (const name of log(bucket).list()) names.push(name);
    expect(names).toEqual([]);
  });

  it("says where a log has a gap", async () => {
    const bucket = memoryBucket();
    for (let n = 1; n <= 40; n += 1) await log(bucket).append("a", digestNumber(n));
    await bucket.delete(`v1/default/t/a/${2 ** 53 - 1 - 10}.json`);
    await expect(log(bucket).verify("a")).resolves.toMatchObject({
      problems: [{ seq: 10, problem: "it is missing" }],
    });
  });

  it("finds an entry that was changed, a chain that was forged and a tombstone without marker", async () => {
    const bucket = memoryBucket();
    for (const n of [1, 2, 3]) await log(bucket).append("a", digestNumber(n));
    await log(bucket).remove("a");
    const key = `v1/default/t/a/${2 ** 53 - 1 - 2}.json`;
    const text = new TextDecoder().decode(await (await bucket.read(key))?.bytes());
    await bucket.put(key, new TextEncoder().encode(text.replace('"unknown"', '"mallory"')));
    await bucket.delete(`v1/default/d/a/${"4".padStart(16, "0")}`);
    const { problems } = await log(bucket).verify("a");
    expect(problems.map(({ seq, problem }) => `${seq} ${problem}`)).toEqual([
      "2 a later entry tells something else of it",
      "3 it names another entry 2 than stands there: the chain is broken",
      "4 the tombstone has no marker, so the tag is listed",
    ]);
  });
});
