import { StoreError } from "@bitstore/core";
import { expect } from "vitest";
import { type ObservedBody, observedBody } from "../bodies.ts";
import type { BucketSuite } from "../bucket-suite.ts";
import { expectAborted, expectSettles } from "../expect-aborted.ts";
import {
  all,
  expectCode,
  expectSameBytes,
  promptly,
  rejectionOf,
  streamOf,
} from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** An abort is answered promptly with ABORTED, whatever the other side does. */
export function abortCases(suite: BucketSuite): void {
  suite.test("an aborted signal stops every operation before it starts", [], async () => {
    const signal = AbortSignal.abort();
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(100));
    const { bucket } = suite;
    await expectCode(bucket.head(key, { signal }), "ABORTED");
    await expectCode(bucket.read(key, { signal }), "ABORTED");
    if (bucket.capabilities.list) {
      await expectCode(all(bucket.list("", { signal })), "ABORTED");
      await expectCode(all(bucket.listPrefixes("", { signal })), "ABORTED");
    }
    if (bucket.capabilities.delete) {
      await expectCode(bucket.delete(key, { signal }), "ABORTED");
      await suite.expectStored(key, seededBytes(100));
    }
    if (!bucket.capabilities.write) return;
    const body = observedBody({ bytes: seededBytes(10) });
    await expectCode(bucket.put(key, body.body, { signal }), "ABORTED");
    expect(body.opened, "the body was not opened").toBe(0);
    await suite.expectStored(key, seededBytes(100));
  });

  suite.test("a StoreError as the reason is what the caller gets", [], async () => {
    // A deadline aborts with TIMEOUT, and must not come out as if the caller had left.
    const reason = new StoreError({ code: "TIMEOUT", operation: "read", message: "too slow" });
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(suite.bucket.read("key", { signal }))).toBe(reason);
    expect(await rejectionOf(suite.bucket.head("key", { signal }))).toBe(reason);
  });

  const { partBytes } = suite.harness;
  for (const length of [0, 100_000, ...(partBytes === undefined ? [] : [partBytes + 70_000])]) {
    for (const [deaf, size] of [
      [false, undefined],
      [false, length + 1000],
      [true, undefined],
      [true, length + 1000],
    ] as const) {
      const kind = deaf ? "hangs and can't be closed" : "waits";
      const title = `abort of a put whose body ${kind} after ${length} bytes of ${size ?? "?"}`;
      suite.test(title, ["write"], async () => {
        const key = `${suite.freshPrefix()}blob`;
        const old = seededBytes(50, 4);
        await suite.bucket.put(key, old);
        const body = observedBody({ bytes: seededBytes(length), ending: "stall", deaf });
        await abortWhileStalled(suite, key, body, size);
        await suite.expectStored(key, old);
        if (!deaf) expect(body.closed, "the body was closed").toBe(1);
      });
    }
  }

  suite.test("abort of a read after its first chunk", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(16 * 1024 * 1024);
    await suite.plant(key, bytes);
    const controller = new AbortController();
    const content = await suite.bucket.read(key, { signal: controller.signal });
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of content?.body ?? []) {
        chunks.push(chunk);
        controller.abort();
      }
    })();
    const [result] = await Promise.allSettled([promptly("the aborted read", reading)]);
    if (result.status === "fulfilled" && chunks.length === 1) {
      // The bytes were in memory already and came as one chunk.
      expectSameBytes(Buffer.concat(chunks), bytes);
      return;
    }
    await expectCode(reading, "ABORTED");
  });

  suite.test("abort of a read between its opening and its first chunk", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(4 * 1024 * 1024);
    await suite.plant(key, bytes);
    const controller = new AbortController();
    const content = await suite.bucket.read(key, { signal: controller.signal });
    controller.abort();
    const reading = promptly("the aborted read", streamOf(content));
    const [result] = await Promise.allSettled([reading]);
    // Bytes that are in memory already may be handed out, if they are all of them.
    if (result.status === "fulfilled") expectSameBytes(result.value, bytes);
    else await expectCode(reading, "ABORTED");
  });

  suite.test("an abort after the end changes nothing", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    const bytes = seededBytes(100_000);
    await suite.plant(key, bytes);
    const controller = new AbortController();
    const content = await suite.bucket.read(key, { signal: controller.signal });
    const read = await content?.bytes();
    controller.abort();
    expectSameBytes(read ?? new Uint8Array(), bytes);
    if (!suite.bucket.capabilities.write) return;
    const late = new AbortController();
    await suite.bucket.put(`${key}2`, bytes, { signal: late.signal });
    late.abort();
    await suite.expectStored(`${key}2`, bytes);
  });

  suite.test("abort in the middle of a list", ["write", "list"], async () => {
    const prefix = suite.freshPrefix();
    for (const name of ["a", "b", "c"]) await suite.plant(prefix + name, seededBytes(1));
    const controller = new AbortController();
    const listing = (async () => {
      for await (const { key } of suite.bucket.list(prefix, { signal: controller.signal })) {
        expect(key).toBe(`${prefix}a`);
        controller.abort();
      }
    })();
    await expectCode(promptly("the aborted list", listing), "ABORTED");
  });
}

async function abortWhileStalled(
  suite: BucketSuite,
  key: string,
  body: ObservedBody,
  size: number | undefined,
): Promise<void> {
  const controller = new AbortController();
  const putting = suite.bucket.put(key, body.body, { size, signal: controller.signal });
  const waits = suite.deviates("put-abort-waits-for-body");
  const outcome = expectAborted(putting, waits);
  // Waits on either, so that a put that fails early shows its own error.
  await promptly("the put reaching the stall", Promise.race([body.stalled, outcome]));
  controller.abort();
  await expectSettles(outcome, body, waits);
}
