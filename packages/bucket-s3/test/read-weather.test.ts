import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { against, disposeAll, eventually } from "./against.ts";
import { all, expectCode, streamOf } from "./expect-code.ts";
import { answerObject, type Script } from "./scripted-server.ts";

// Services that hang, break off or answer something else than was asked, as real HTTP servers: no
// byte is handed out that was not asked for, and no connection is left open.

afterEach(disposeAll);

const bytes = new Uint8Array(1000).map((_, at) => at % 251);

describe("a service that hangs", () => {
  test("an abort ends every operation, and closes the connection", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const { bucket, server } = await against((_, __, at) => {
      // The fifth is the last of those below to come; then all are waiting.
      if (at === 4) controller.abort();
    });
    const asking = [
      bucket.head("key", { signal }),
      bucket.read("key", { signal }),
      bucket.put("key", bytes, { signal }),
      bucket.delete("key", { signal }),
      all(bucket.list("", { signal })),
    ];
    await Promise.all(asking.map((each) => expectCode(each, "ABORTED")));
    await eventually("all connections are closed", () => server.connections.open === 0);
  });

  test("without a byte for idleMs it is TIMEOUT", async () => {
    const { bucket, server } = await against(() => undefined, { idleMs: 100 });
    await expectCode(bucket.head("key"), "TIMEOUT");
    await expectCode(bucket.read("key"), "TIMEOUT");
    await eventually("all connections are closed", () => server.connections.open === 0);
  });

  test("in the middle of a body it is TIMEOUT too", async () => {
    const script: Script = (_, answer) => {
      answer.writeHead(200, { "content-length": 1000, etag: '"v1"' });
      answer.write(bytes.subarray(0, 500));
    };
    const { bucket } = await against(script, { idleMs: 100 });
    const stream = await bucket.read("key");
    await expectCode(streamOf(stream), "TIMEOUT");
    const whole = await bucket.read("key");
    await expectCode(whole?.bytes() ?? Promise.resolve(), "TIMEOUT");
  });

  test("a reader that is slow is no service that hangs", async () => {
    // The reader waits for longer than idleMs, while more is ready than fits into the buffers.
    const large = new Uint8Array(8 * 1024 * 1024).fill(7);
    const { bucket } = await against((_, answer) => answerObject(answer, large), { idleMs: 1000 });
    const content = await bucket.read("key");
    let read = 0;
    for await (const chunk of content?.body ?? []) {
      if (read === 0) await new Promise((resolve) => void setTimeout(resolve, 2500));
      read += chunk.byteLength;
    }
    expect(read).toBe(large.byteLength);
  });
});

describe("a body that is not what was promised", () => {
  const half = bytes.subarray(0, 500);
  const cuts: Record<string, (answer: ServerResponse) => void> = {
    "is reset in the middle": (answer) => {
      answer.writeHead(200, { "content-length": 1000, etag: '"v1"' });
      answer.write(half, () => answer.socket?.resetAndDestroy());
    },
    "ends short of its length": (answer) => {
      answer.writeHead(200, { "content-length": 1000, etag: '"v1"' });
      answer.write(half, () => answer.socket?.end());
    },
    "ends short of its range": (answer) => {
      answer.writeHead(206, { "content-range": "bytes 0-999/5000", etag: '"v1"' });
      answer.end(half);
    },
    "breaks off a chunked answer": (answer) => {
      answer.writeHead(200, { etag: '"v1"' });
      answer.write(half, () => answer.socket?.end());
    },
  };

  for (const [title, cut] of Object.entries(cuts)) {
    test(`${title}: UNAVAILABLE, never a clean end`, async () => {
      const { bucket } = await against((_, answer) => cut(answer));
      const range = title.includes("range") ? { start: 0, end: 1000 } : undefined;
      const stream = await bucket.read("key", { range });
      await expectCode(streamOf(stream), "UNAVAILABLE");
      const whole = await bucket.read("key", { range });
      await expectCode(whole?.bytes() ?? Promise.resolve(), "UNAVAILABLE");
    });
  }

  test("a chunked answer without a length is read to its end", async () => {
    const { bucket } = await against((_, answer) => {
      answer.writeHead(200, { etag: '"v1"' });
      answer.write(bytes.subarray(0, 300));
      answer.end(bytes.subarray(300));
    });
    const content = await bucket.read("key");
    expect(content?.size).toBeUndefined();
    expect(Buffer.compare((await content?.bytes()) ?? bytes.subarray(1), bytes)).toBe(0);
  });
});

describe("an answer that is not what was asked", () => {
  for (const [start, end] of [
    [100, 200],
    [0, 1],
    [999, undefined],
    [500, 5000],
  ] as const) {
    test(`the whole for ${start}-${end ?? ""} is cut`, async () => {
      const { bucket, server } = await against((_, answer) => answerObject(answer, bytes));
      for (const how of ["bytes", "body"] as const) {
        const content = await bucket.read("key", { range: { start, end } });
        expect(content?.size).toBe(1000);
        expect(content?.range).toEqual({ start, end: Math.min(end ?? 1000, 1000) });
        const got =
          how === "bytes"
            ? ((await content?.bytes()) ?? new Uint8Array())
            : await streamOf(content);
        expect(Buffer.compare(got, bytes.subarray(start, end))).toBe(0);
      }
      expect(server.requests[0]?.headers.range).toBe(
        `bytes=${start}-${end === undefined ? "" : end - 1}`,
      );
    });
  }

  test("the whole for a range past its end", async () => {
    const { bucket } = await against((_, answer) => answerObject(answer, bytes));
    const range = { start: 1000, end: undefined };
    await expectCode(bucket.read("key", { range }), "RANGE_NOT_SATISFIABLE");
  });

  for (const contentRange of [
    "bytes 0-99/1000",
    "bytes 100-198/1000",
    "bytes 100-200/1000",
    "bytes */1000",
    "nonsense",
    undefined,
  ]) {
    test(`206 with ${contentRange ?? "no Content-Range"} for 100-199 is rejected`, async () => {
      const { bucket, server } = await against((_, answer) => {
        const headers = contentRange === undefined ? {} : { "content-range": contentRange };
        answer.writeHead(206, { etag: '"v1"', ...headers });
        answer.end(bytes.subarray(0, 100));
      });
      const reading = bucket.read("key", { range: { start: 100, end: 200 } });
      const error = await expectCode(reading, "UNAVAILABLE");
      expect(error.detail).toMatch(/Content-Range|were asked/);
      await eventually("the connection is closed", () => server.connections.open === 0);
    });
  }

  test("an object of another version than was asked, with 200", async () => {
    const { bucket } = await against((_, answer) => answerObject(answer, bytes));
    await expectCode(bucket.read("key", { ifVersion: "v0" }), "PRECONDITION_FAILED");
    expect((await bucket.read("key", { ifVersion: "v1" }))?.version).toBe("v1");
  });

  test("the page of a captive portal is no empty list, no object stored", async () => {
    const { bucket } = await against((_, answer) => {
      answer.writeHead(200, { "content-type": "text/html" });
      answer.end("<html><body>Sign in</body></html>");
    });
    for (const ask of [() => all(bucket.list("")), () => bucket.put("key", bytes)]) {
      const error = await expectCode(ask(), "UNAVAILABLE");
      expect(error.detail).toContain("check that the endpoint is an S3 service");
    }
  });

  test("compressed bytes are handed out as they are", async () => {
    const headers = { "content-encoding": "gzip", "content-type": "text/plain" };
    const { bucket } = await against((_, answer) => answerObject(answer, bytes, headers));
    const content = await bucket.read("key");
    expect(Buffer.compare((await content?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
  });
});

describe("connections", () => {
  test("are bounded, kept, and closed by dispose", async () => {
    const { bucket, server } = await against((_, answer) => answerObject(answer, bytes), {
      connectionsMax: 3,
    });
    await Promise.all(Array.from({ length: 30 }, async () => (await bucket.read("key"))?.bytes()));
    expect(server.connections.made).toBeLessThanOrEqual(3);
    for (let turn = 0; turn < 10; turn += 1) {
      expect((await bucket.head("key"))?.size).toBe(1000);
      await (await bucket.read("key"))?.bytes();
    }
    expect(server.connections.made).toBeLessThanOrEqual(3);
    await bucket[Symbol.asyncDispose]();
    await eventually("all connections are closed", () => server.connections.open === 0);
  });

  test("a read that is disposed, left early or aborted holds none", async () => {
    const large = new Uint8Array(4 * 1024 * 1024);
    const { bucket, server } = await against((_, answer) => answerObject(answer, large), {
      connectionsMax: 2,
    });
    for (let turn = 0; turn < 6; turn += 1) {
      await (await bucket.read("key"))?.[Symbol.asyncDispose]();
      for await (const chunk of (await bucket.read("key"))?.body ?? []) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      const controller = new AbortController();
      await bucket.read("key", { signal: controller.signal });
      controller.abort();
    }
    await eventually("all connections are closed", () => server.connections.open === 0);
  });
});
