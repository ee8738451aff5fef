import { gcsBucket } from "@bitstore/bucket-gcs";
import { observedBody, seededBytes } from "@bitstore/conformance";
import type { Bucket, Clock } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { expectCode } from "./expect-code.ts";
import { impatientClock } from "./test-clocks.ts";
import {
  type Fault,
  type SessionPut,
  type UploadServer,
  uploadServer,
  type UploadServerOptions,
} from "./upload-server.ts";

// Uploads in parts against a server that keeps to the documented protocol, but for one fault at a
// time. Whatever happens, the object is whole or absent, and no session is left behind.

const kib = 1024;
const partBytes = 256 * kib;

interface Setup extends AsyncDisposable {
  readonly up: UploadServer;
  readonly bucket: Bucket;
}

async function setup(options: UploadServerOptions = {}, clock?: Clock): Promise<Setup> {
  const up = await uploadServer(options);
  const { endpoint } = up.server;
  const bucket = gcsBucket({ bucket: "up", endpoint, partBytes, environment: {}, clock });
  return {
    up,
    bucket,
    async [Symbol.asyncDispose]() {
      await bucket[Symbol.asyncDispose]();
      await up[Symbol.asyncDispose]();
    },
  };
}

const bytes = seededBytes(3 * partBytes + 1000);
const body = observedBody({ bytes }).body;

/** A fault of the n-th PUT only. */
const onTurn =
  (turn: number, fault: Fault) =>
  (put: SessionPut): Fault | undefined =>
    put.turn === turn ? fault : undefined;

describe("without faults", () => {
  test("parts go in order, of the part's size, with the total at the end", async () => {
    await using here = await setup();
    expect(await here.bucket.put("key", body)).toBe("replaced");
    expect(here.up.objects.get("key")).toEqual(Buffer.from(bytes));
    expect(here.up.ranges).toEqual([
      "bytes 0-262143/*",
      "bytes 262144-524287/*",
      "bytes 524288-786431/*",
      "bytes 786432-787431/787432",
    ]);
  });

  test("a size that is known is told", async () => {
    await using here = await setup();
    await here.bucket.put("key", body, { size: bytes.byteLength, contentType: "text/plain" });
    const [begin] = here.up.server.seen;
    expect(begin?.headers).toMatchObject({
      "x-upload-content-length": "787432",
      "x-upload-content-type": "text/plain",
    });
    expect(here.up.ranges[0]).toBe("bytes 0-262143/787432");
  });

  test("the condition is on the session", async () => {
    await using here = await setup();
    await here.bucket.put("a", body, { ifAbsent: true });
    await here.bucket.put("b", body, { ifVersion: "42" });
    await here.bucket.put("c", body);
    const begun = here.up.server.seen.filter(({ method }) => method === "POST");
    const conditions = begun.map(({ query }) => query.get("ifGenerationMatch"));
    expect(conditions).toEqual(["0", "42", null]);
  });

  test("a body of exactly a part goes in one request", async () => {
    await using here = await setup({ beginStatus: 418 });
    const one = seededBytes(partBytes);
    await expectCode(here.bucket.put("key", observedBody({ bytes: one }).body), "INVALID_ARGUMENT");
    expect(here.up.server.seen[0]?.query.get("uploadType")).toBe("media");
    expect(here.up.server.seen[0]?.body.byteLength).toBe(partBytes);
  });

  test("the session is addressed through the endpoint, whatever host its URL names", async () => {
    await using here = await setup({ sessionHost: "https://storage.example.com" });
    await here.bucket.put("key", body);
    expect(here.up.objects.get("key")).toEqual(Buffer.from(bytes));
  });
});

describe("faults that are repaired", () => {
  const faults: readonly [string, (put: SessionPut) => Fault | undefined][] = [
    ["the first part's connection breaks", onTurn(1, { kind: "reset" })],
    ["a middle part's connection breaks", onTurn(2, { kind: "reset" })],
    ["the last part's connection breaks", onTurn(4, { kind: "reset" })],
    ["the answer to the first part is lost", onTurn(1, { kind: "lost" })],
    ["the answer to a middle part is lost", onTurn(2, { kind: "lost" })],
    ["the answer to the last part is lost", onTurn(4, { kind: "lost" })],
    ["a part is kept in part", onTurn(2, { kind: "partial", bytes: 128 * kib })],
    ["the last part is kept in part", onTurn(4, { kind: "partial", bytes: 1 })],
    ["a 503 for a part", onTurn(2, { kind: "refuse", status: 503 })],
    ["a 429 for the last part", onTurn(4, { kind: "refuse", status: 429 })],
    [
      "part and question both fail",
      ({ turn }) => (turn === 2 || turn === 3 ? { kind: "reset" } : undefined),
    ],
    [
      "every part is refused once",
      ({ turn }) => (turn % 3 === 1 ? { kind: "refuse", status: 500 } : undefined),
    ],
  ];
  for (const [title, fault] of faults) {
    test(title, async () => {
      await using here = await setup({ fault }, impatientClock());
      const observed = observedBody({ bytes });
      expect(await here.bucket.put("key", observed.body, { ifAbsent: true })).toBe("created");
      expect(here.up.objects.get("key")?.equals(bytes)).toBe(true);
      expect(here.up.sessions).toBe(0);
      expect(here.up.deleted).toBe(0);
      expect(observed.opened, "nothing had to be read twice").toBe(1);
    });
  }

  test("waits grow, and Retry-After is honoured up to a bound", async () => {
    const clock = impatientClock();
    const retryAfter = new Map([
      [2, "9"],
      [3, "86400"],
    ]);
    const fault = ({ turn }: SessionPut): Fault | undefined => {
      if (turn > 3) return undefined;
      const headers = { "retry-after": retryAfter.get(turn) ?? "0" };
      return { kind: "refuse", status: 503, headers };
    };
    await using here = await setup({ fault }, clock);
    await here.bucket.put("key", body);
    expect(clock.waits).toEqual([250, 9000, 16_000]);
  });

  test("a part that hangs is given up in time, and repaired", async () => {
    // The clock's long waits are over at once too: every part that is in time cancels its own.
    const fault = onTurn(2, { kind: "hang" });
    const hanging: Clock = {
      now: () => performance.now(),
      after: (_, callback) => {
        const timer = setTimeout(callback, 300);
        return () => clearTimeout(timer);
      },
    };
    await using here = await setup({ fault }, hanging);
    await here.bucket.put("key", body);
    expect(here.up.objects.get("key")?.equals(bytes)).toBe(true);
  });
});

describe("faults that end the put", () => {
  test("a service that keeps failing, after a bounded number of tries", async () => {
    const fault = ({ turn }: SessionPut): Fault | undefined =>
      turn === 1 ? undefined : { kind: "refuse", status: 503 };
    await using here = await setup({ fault }, impatientClock());
    const observed = observedBody({ bytes });
    const error = await expectCode(here.bucket.put("key", observed.body), "UNAVAILABLE");
    expect(error.message).not.toContain("secret");
    expect(error.message).not.toContain("upload_id");
    expect(observed.closed).toBe(1);
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.ranges).toHaveLength(6);
    expect(here.up.objects.size).toBe(0);
    expect(here.up.deleted).toBe(1);
  });

  for (const [title, fault, code] of [
    ["a session that is gone", { kind: "refuse", status: 410 }, "UNAVAILABLE"],
    ["a denied part", { kind: "refuse", status: 403 }, "PERMISSION_DENIED"],
  ] as const) {
    test(title, async () => {
      await using here = await setup({ fault: onTurn(2, fault) }, impatientClock());
      await expectCode(here.bucket.put("key", body), code);
      await here.bucket[Symbol.asyncDispose]();
      expect(here.up.ranges, "it is not asked again").toHaveLength(2);
      expect(here.up.objects.size).toBe(0);
      expect(here.up.sessions).toBe(0);
    });
  }

  test("a service that forgets what it had is not sent the middle for the beginning", async () => {
    await using here = await setup({ fault: onTurn(3, { kind: "forget" }) }, impatientClock());
    await expectCode(here.bucket.put("key", body), "UNAVAILABLE");
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.ranges).toHaveLength(3);
    expect(here.up.deleted).toBe(1);
    expect(here.up.objects.size).toBe(0);
  });

  test("a condition that fails at the beginning, at the end", async () => {
    for (const options of [{ beginStatus: 412 }, { conditionHolds: false }]) {
      await using here = await setup(options);
      const observed = observedBody({ bytes });
      expect(await here.bucket.put("key", observed.body, { ifAbsent: true })).toBe("existed");
      expect(observed.closed).toBe(1);
      await expectCode(here.bucket.put("key", body, { ifVersion: "3" }), "PRECONDITION_FAILED");
      expect(here.up.objects.size).toBe(0);
    }
  });

  test("a bucket that is not there", async () => {
    await using here = await setup({ beginStatus: 404 });
    await expectCode(here.bucket.put("key", body), "UNAVAILABLE");
  });

  test("what was stored in part because we asked is taken back", async () => {
    const fault = onTurn(2, { kind: "reset" });
    await using here = await setup({ fault, endsWhenAsked: true }, impatientClock());
    await expectCode(here.bucket.put("key", body), "UNAVAILABLE");
    expect(here.up.objects.size).toBe(0);
    const undone = here.up.server.seen.find(({ method }) => method === "DELETE");
    expect(undone?.query.get("generation")).toBe("11");
  });
});

describe("bodies that end the put", () => {
  test("a body that throws after a part: its own error, the session deleted", async () => {
    await using here = await setup();
    const own = new Error("the body's own");
    const failing = observedBody({ bytes, ending: { error: own } });
    await expect(here.bucket.put("key", failing.body)).rejects.toBe(own);
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.deleted).toBe(1);
    expect(here.up.sessions).toBe(0);
    expect(here.up.objects.size).toBe(0);
  });

  test("a body that throws while a part before is on its way stops that part", async () => {
    const reached = Promise.withResolvers<void>();
    const fault = ({ turn }: SessionPut): Fault | undefined => {
      if (turn < 2) return undefined;
      reached.resolve();
      return { kind: "hang" };
    };
    await using here = await setup({ fault });
    const own = new Error("the body's own");
    const putting = here.bucket.put("key", async function* () {
      yield bytes.subarray(0, 2 * partBytes + 100);
      await reached.promise;
      throw own;
    });
    await expect(putting).rejects.toBe(own);
    // The connection of the part goes, the one that deleted the session is kept.
    await expect.poll(() => here.up.deleted).toBe(1);
    await expect.poll(() => here.up.server.open).toBe(1);
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.ranges).toHaveLength(2);
    expect(here.up.deleted).toBe(1);
  });

  test("an abort in the middle of a part deletes the session", async () => {
    const reached = Promise.withResolvers<void>();
    const fault = ({ turn }: SessionPut): Fault | undefined => {
      if (turn < 2) return undefined;
      reached.resolve();
      return { kind: "hang" };
    };
    await using here = await setup({ fault });
    const controller = new AbortController();
    const observed = observedBody({ bytes });
    const putting = here.bucket.put("key", observed.body, { signal: controller.signal });
    await reached.promise;
    controller.abort();
    await expectCode(putting, "ABORTED");
    expect(observed.closed).toBe(1);
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.deleted).toBe(1);
    expect(here.up.objects.size).toBe(0);
  });

  test("an abort while the body stalls deletes the session", async () => {
    await using here = await setup();
    const controller = new AbortController();
    const stalling = observedBody({ bytes, ending: "stall", deaf: true });
    const putting = here.bucket.put("key", stalling.body, { signal: controller.signal });
    await stalling.stalled;
    controller.abort();
    await expectCode(putting, "ABORTED");
    stalling.release();
    await here.bucket[Symbol.asyncDispose]();
    expect(here.up.deleted).toBe(1);
    expect(here.up.sessions).toBe(0);
  });
});
