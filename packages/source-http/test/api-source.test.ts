import { Readable } from "node:stream";
import { collect, type Digest, parseDigest, StoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { apiSource, type FetchBlob } from "../src/index.ts";
import { manualClock } from "./manual-clock.ts";
import { eventually, testBlob, listed } from "./test-server.ts";

const { bytes, digest } = await testBlob(100_000);

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 30_000) yield bytes.subarray(at, at + 30_000);
}

// A client of a user's own may give bytes in any form, or say in two ways that there are none.
describe("a client that gives", () => {
  const forms: Readonly<Record<string, FetchBlob>> = {
    bytes: async () => bytes,
    "a buffer": () => Buffer.from(bytes),
    "an async iterable": async () => pieces(),
    "a Node stream": async () => Readable.from(pieces()),
    "a web stream": async () => new Blob([bytes]).stream(),
    "the body of fetch": async () => new Response(bytes).body,
  };
  test.each(Object.entries(forms))("%s is a source", async (form, fetchBlob) => {
    await using source = apiSource("mine", fetchBlob);
    for (const how of ["body", "bytes"]) {
      const content = await source.open(digest);
      const isBytes = form === "bytes" || form === "a buffer";
      const size = isBytes ? 100_000 : undefined;
      expect(content).toMatchObject({ size, source: "mine", verified: false, role: "source" });
      const got = how === "body" ? await collect(content!.body) : await content!.bytes();
      expect(Buffer.compare(got, bytes)).toBe(0);
    }
  });

  test.each([undefined, null])("%s has nothing", async (nothing) => {
    await using source = apiSource("mine", async () => nothing);
    expect(await source.open(digest)).toBeUndefined();
  });

  test("is asked for digests of its algorithms only", async () => {
    const asked: Digest[] = [];
    const fetchBlob: FetchBlob = async (each) => void asked.push(each);
    await using source = apiSource("mine", fetchBlob, { algorithms: ["sha1"] });
    expect(source.capabilities.algorithms).toEqual(["sha1"]);
    const sha1 = parseDigest("A94A8FE5CCB19BA61C4C0873D391E987982FBBD3");
    expect(await source.open(digest)).toBeUndefined();
    expect(await source.open(sha1)).toBeUndefined();
    expect(asked).toEqual(["sha1:a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"]);
  });

  test.each([["text"], [42], [{}], [new ArrayBuffer(3)], [Readable.from(["text"])]])(
    "no bytes (%s) is INTERNAL",
    async (wrong) => {
      await using source = apiSource("mine", async () => wrong as Uint8Array);
      const reading = source.open(digest).then((content) => content!.bytes());
      await expect(reading).rejects.toMatchObject({ code: "INTERNAL", source: "mine" });
    },
  );
});

describe("a client that fails", () => {
  const cause = new TypeError("https://api.example.com/?token=hush");
  const failing: Readonly<Record<string, FetchBlob>> = {
    "at once": () => {
      throw cause;
    },
    "when asked": async () => {
      throw cause;
    },
    "in its stream": async () =>
      (async function* () {
        yield bytes.subarray(0, 10);
        throw cause;
      })(),
    "in its Node stream": async () => {
      const stream = new Readable({ read: () => undefined });
      stream.push(bytes.subarray(0, 10));
      setImmediate(() => stream.destroy(cause));
      return stream;
    },
  };
  test.each(Object.entries(failing))("%s is UNAVAILABLE", async (_, fetchBlob) => {
    await using source = apiSource("mine", fetchBlob);
    const reading = source.open(digest).then((content) => content!.bytes());
    await expect(reading).rejects.toMatchObject({
      code: "UNAVAILABLE",
      persistence: "transient",
      source: "mine",
      subject: digest,
      detail: "the client failed with TypeError; see the cause",
      cause,
    });
  });

  test("with a StoreError passes it on, and waits as long as that says", async () => {
    const clock = manualClock();
    const code = "RATE_LIMITED";
    const limited = new StoreError({ code, operation: "x", message: "slow", retryAfterMs: 500 });
    let calls = 0;
    const fetchBlob: FetchBlob = async () => {
      calls += 1;
      if (calls === 1) throw limited;
      return bytes;
    };
    await using source = apiSource("mine", fetchBlob, { clock });
    await expect(source.open(digest)).rejects.toBe(limited);
    const opening = source.open(digest);
    await clock.advance(499);
    expect(calls).toBe(1);
    await clock.advance(1);
    expect(await (await opening)?.bytes()).toBe(bytes);
  });

  test("in a stream that nobody reads harms nobody", async () => {
    let stream: Readable | undefined;
    await using source = apiSource("mine", async () => {
      stream = new Readable({ read: () => undefined });
      return stream;
    });
    const content = await source.open(digest);
    stream?.destroy(cause);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(content!.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE", cause });
  });
});

describe("a stream", () => {
  test("that is longer than blobBytesMax is TOO_LARGE, and ended", async () => {
    let isEnded = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(1000);
      } finally {
        isEnded = true;
      }
    }
    await using source = apiSource("mine", endless, { blobBytesMax: 5000 });
    await expect((await source.open(digest))?.bytes()).rejects.toMatchObject({ code: "TOO_LARGE" });
    await eventually(() => isEnded);
    await using small = apiSource("mine", () => bytes, { blobBytesMax: 99_999 });
    await expect(small.open(digest)).rejects.toMatchObject({ code: "TOO_LARGE" });
    await using enough = apiSource("mine", () => pieces(), { blobBytesMax: 100_000 });
    expect((await (await enough.open(digest))?.bytes())?.byteLength).toBe(100_000);
  });

  test("that is left or disposed is ended, of whichever kind", async () => {
    let ended = 0;
    const kinds: readonly FetchBlob[] = [
      () =>
        new Readable({ read: () => undefined, destroy: (_, done) => done((ended += 1) as never) }),
      () => new ReadableStream({ cancel: () => void (ended += 1) }),
    ];
    for (const fetchBlob of kinds) {
      await using source = apiSource("mine", fetchBlob);
      const content = await source.open(digest);
      const before = ended;
      await content?.[Symbol.asyncDispose]();
      await eventually(() => ended === before + 1);
    }
  });
});

describe("an abort", () => {
  test("is heeded for a client that does not", async () => {
    const controller = new AbortController();
    const stream = new Readable({ read: () => undefined });
    const late = Promise.withResolvers<Readable>();
    await using source = apiSource("mine", () => late.promise, { concurrencyMax: 1 });
    const opening = source.open(digest, { signal: controller.signal });
    const failing = expect(opening).rejects.toMatchObject({ code: "ABORTED" });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await failing;
    // The stream that comes too late is not left open.
    late.resolve(stream);
    await eventually(() => stream.destroyed);
  });

  test("is heeded for a stream that does not, and the slot is free again", async () => {
    const controller = new AbortController();
    let calls = 0;
    async function* stuck(): AsyncGenerator<Uint8Array> {
      calls += 1;
      yield new Uint8Array(10);
      if (calls === 1) await new Promise(() => undefined);
    }
    await using source = apiSource("mine", stuck, { concurrencyMax: 1 });
    const content = await source.open(digest, { signal: controller.signal });
    const reading = content!.bytes();
    const failing = expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await failing;
    expect(await (await source.open(digest))?.bytes()).toHaveLength(10);
  });

  test("reaches the client by its signal", async () => {
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    await using source = apiSource("mine", async (_, { signal }) => {
      seen = signal;
      return undefined;
    });
    await source.open(digest, { signal: controller.signal });
    expect(seen).toBe(controller.signal);
    controller.abort();
    await expect(source.open(digest, { signal: controller.signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});

test("limits are those of every source", async () => {
  const clock = manualClock();
  let open = 0;
  let most = 0;
  let calls = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    calls += 1;
    open += 1;
    most = Math.max(most, open);
    yield bytes;
    open -= 1;
  }
  const options = { clock, concurrencyMax: 2, requestsPerSecondMax: 10 };
  await using source = apiSource("mine", counted, options);
  const all = Array.from({ length: 6 }, async () => (await source.open(digest))?.bytes());
  for (let step = 0; step < 6; step += 1) await clock.advance(100);
  await Promise.all(all);
  expect(calls).toBe(6);
  expect(most).toBeLessThanOrEqual(2);
  const wrong = (): unknown => apiSource("mine", counted, { concurrencyMax: 0 });
  expect(wrong).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

test("what the source can't do rejects with UNSUPPORTED", async () => {
  const price = { perRequest: 1, currency: "EUR" };
  await using source = apiSource("mine", () => bytes, { price });
  expect(source).toMatchObject({ name: "mine", price });
  const unsupported = { code: "UNSUPPORTED", source: "mine" };
  await expect(source.stat(digest)).rejects.toMatchObject(unsupported);
  await expect(source.put(bytes)).rejects.toMatchObject(unsupported);
  await expect(source.delete(digest)).rejects.toMatchObject(unsupported);
  await expect(listed(source)).rejects.toMatchObject(unsupported);
  const range = { start: 1, end: 2 };
  await expect(source.open(digest, { range })).rejects.toMatchObject(unsupported);
  await expect(source.open(digest, { version: "v" })).rejects.toMatchObject(unsupported);
});
