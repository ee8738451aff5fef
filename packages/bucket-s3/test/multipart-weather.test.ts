import type { ServerResponse } from "node:http";
import type { Bucket, Bytes } from "@bitstore/core";
import { afterEach, describe, expect, test } from "vitest";
import { s3Bucket, type S3BucketOptions } from "../src/index.ts";
import { expectCode } from "./expect-code.ts";
import { hastyClock, patient } from "./manual-clock.ts";
import { answerError, errorXml } from "./scripted-server.ts";
import {
  answerCompleted,
  answerCreated,
  uploadServer,
  type UploadServer,
} from "./upload-server.ts";
import type { UploadScript } from "./upload-server.ts";

// Uploads in parts against a server that fails in one way each time: what is acknowledged is
// stored, what is not leaves no parts behind, and only what nobody above could repeat is repeated.

const partBytes = 5 * 1024 * 1024;
const body = new Uint8Array(2 * partBytes + 1000).fill(3);
const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of cleanup.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

interface Rig {
  readonly bucket: Bucket;
  readonly server: UploadServer;
  readonly clock: ReturnType<typeof hastyClock>;
}

async function rig(
  script: UploadScript,
  options: Partial<S3BucketOptions> = {},
  existing?: { readonly etag: string; readonly size: number },
): Promise<Rig> {
  const server = await uploadServer(script, existing);
  const clock = hastyClock();
  const bucket = s3Bucket({
    bucket: "weather",
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: [{ accessKeyId: "id", secretAccessKey: "secret" }],
    partBytes,
    clock,
    ...patient,
    ...options,
  });
  cleanup.push(server, bucket);
  return { bucket, server, clock };
}

describe("a part that fails", () => {
  test("is sent again, and nothing else is; the service's wait is kept", async () => {
    const { bucket, server, clock } = await rig({
      part: (number, attempt, answer) => {
        if (number !== 2 || attempt > 2) return "stored";
        answerError(answer, 503, "SlowDown", { "retry-after": "9" });
        return undefined;
      },
    });
    expect(await bucket.put("key", body)).toBe("replaced");
    expect(server.stored?.size).toBe(body.byteLength);
    const parts = server.requests.filter(({ url }) => url.includes("partNumber"));
    const sent = parts.map(({ url }) => Number(/partNumber=(\d)/.exec(url)?.[1]));
    expect(sent.toSorted((a, b) => a - b)).toEqual([1, 2, 2, 2, 3]);
    expect(clock.delaysMs.filter((ms) => ms === 9000)).toHaveLength(2);
  });

  test("is sent partAttemptsMax times; then the upload is aborted", async () => {
    const { bucket, server } = await rig(
      { part: (_, __, answer) => answerError(answer, 500, "InternalError") },
      { partAttemptsMax: 3, partsInFlightMax: 1 },
    );
    await expectCode(bucket.put("key", body), "UNAVAILABLE");
    expect(server.requests.filter(({ url }) => url.includes("partNumber"))).toHaveLength(3);
    expect(server.aborts).toBe(1);
    expect(server.completes).toHaveLength(0);
  });

  test("is not sent again where that is no use", async () => {
    const { bucket, server } = await rig({
      part: (_, __, answer) => answerError(answer, 403, "AccessDenied"),
    });
    const error = await expectCode(bucket.put("key", body), "PERMISSION_DENIED");
    expect(error.serviceCode).toBe("AccessDenied");
    expect(server.requests.filter(({ url }) => url.includes("partNumber=1"))).toHaveLength(1);
    expect(server.aborts).toBe(1);
  });

  test("ends the put though the body hangs", async () => {
    const { bucket, server } = await rig({
      part: (_, __, answer) => answerError(answer, 403, "AccessDenied"),
    });
    let isClosed = false;
    const hanging = (): Bytes => ({
      [Symbol.asyncIterator]: () => {
        let given = false;
        return {
          next: () => {
            if (given) return new Promise(() => undefined);
            given = true;
            return Promise.resolve({ done: false, value: new Uint8Array(partBytes + 1) });
          },
          return: () => {
            isClosed = true;
            return new Promise(() => undefined);
          },
        };
      },
    });
    await expectCode(bucket.put("key", hanging), "PERMISSION_DENIED");
    expect(isClosed).toBe(true);
    expect(server.aborts).toBe(1);
  });
});

describe("what is in memory", () => {
  for (const partsInFlightMax of [1, 2, 3]) {
    for (const kind of ["array", "stream"]) {
      test(`${partsInFlightMax} parts of a ${kind} at once, and no more`, async () => {
        // Parts are answered once as many as may be are with the server, and not at once then, so
        // that one too many would be seen.
        const held: ServerResponse[] = [];
        let left = 8;
        const release = (): void => {
          left -= held.length;
          for (const answer of held.splice(0)) answer.writeHead(200, { etag: '"e"' }).end();
        };
        const { bucket, server } = await rig(
          {
            part: (_, __, answer) => {
              held.push(answer);
              if (held.length === Math.min(partsInFlightMax, left)) setTimeout(release, 50);
            },
            complete: (_, answer) => answerCompleted(answer, "e-1"),
          },
          { partsInFlightMax },
        );
        const chunk = new Uint8Array(partBytes / 2);
        const stream = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < 16; at += 1) yield chunk;
        };
        await bucket.put("key", kind === "stream" ? stream : new Uint8Array(8 * partBytes));
        expect(server.partsAtOnce).toBe(partsInFlightMax);
      });
    }
  }
});

describe("what completes an upload", () => {
  const answers: Record<string, UploadScript["complete"] & object> = {
    "a 200 with an error in it": (_, answer) => {
      answer.writeHead(200, { "content-type": "application/xml" });
      answer.end(errorXml("InternalError"));
    },
    "a connection that is reset": (_, answer) => answer.socket?.resetAndDestroy(),
    "a 503": (_, answer) => answerError(answer, 503, "ServiceUnavailable"),
    "an empty 200": (_, answer) => answer.writeHead(200, { "content-length": 0 }).end(),
    "a page of a captive portal": (_, answer) => answer.writeHead(200).end("<html></html>"),
  };

  for (const [title, answerWith] of Object.entries(answers)) {
    for (const ifAbsent of [false, true]) {
      const created = ifAbsent ? "created" : "replaced";
      test(`${title}, but it was stored: ${created}`, async () => {
        const { bucket, server } = await rig({
          complete: (attempt, answer, store) => {
            store();
            answerWith(attempt, answer, store);
          },
        });
        expect(await bucket.put("key", body, { ifAbsent })).toBe(created);
        expect(server.completes).toHaveLength(1);
        expect(server.aborts).toBe(0);
      });
    }

    test(`${title}, and it was not: asked again`, async () => {
      const { bucket, server } = await rig({
        complete: (attempt, answer, store) => {
          if (attempt < 3) return answerWith(attempt, answer, store);
          store();
          answerCompleted(answer, "any");
        },
      });
      expect(await bucket.put("key", body)).toBe("replaced");
      expect(server.completes).toHaveLength(3);
    });

    test(`${title}, for ever: transient, and no parts are left`, async () => {
      const { bucket, server } = await rig({ complete: answerWith }, { partAttemptsMax: 2 });
      const error = await expectCode(bucket.put("key", body), "UNAVAILABLE");
      expect(error.persistence).toBe("transient");
      expect(server.completes).toHaveLength(2);
      expect(server.aborts).toBe(1);
    });
  }

  test("a conflict wants a new upload: transient, never existed, no parts are left", async () => {
    const { bucket, server } = await rig({
      complete: (_, answer) => answerError(answer, 409, "ConditionalRequestConflict"),
    });
    const error = await expectCode(bucket.put("key", body, { ifAbsent: true }), "UNAVAILABLE");
    expect(error.persistence).toBe("transient");
    expect(server.completes).toHaveLength(1);
    expect(server.aborts).toBe(1);
  });

  test("a condition that fails because of our own object, whose answer was lost", async () => {
    const { bucket, server } = await rig({
      complete: (attempt, answer, store) => {
        if (attempt === 1) return answerError(answer, 500, "InternalError");
        store();
        answerError(answer, 412, "PreconditionFailed");
      },
    });
    expect(await bucket.put("key", body, { ifAbsent: true })).toBe("created");
    expect(server.aborts).toBe(0);
  });

  test("a condition that fails: the answer, and no parts are left", async () => {
    const script: UploadScript = {
      complete: (_, answer) => answerError(answer, 412, "PreconditionFailed"),
    };
    const { bucket, server } = await rig(script, {}, { etag: "other", size: 5 });
    expect(await bucket.put("key", body, { ifAbsent: true })).toBe("existed");
    await expectCode(bucket.put("key", body, { ifVersion: "v" }), "PRECONDITION_FAILED");
    expect(server.completes.map(({ headers }) => headers["if-none-match"])).toEqual([
      "*",
      undefined,
    ]);
    expect(server.completes.map(({ headers }) => headers["if-match"])).toEqual([undefined, '"v"']);
    expect(server.aborts).toBe(2);
  });

  test("an upload that is unknown, and no object of ours: transient", async () => {
    const script: UploadScript = {
      complete: (_, answer) => answerError(answer, 404, "NoSuchUpload"),
      abort: (answer) => answerError(answer, 404, "NoSuchUpload"),
    };
    const { bucket, server } = await rig(script, {}, { etag: "other-3", size: body.byteLength });
    const error = await expectCode(bucket.put("key", body), "UNAVAILABLE");
    expect(error.persistence).toBe("transient");
    expect(server.completes).toHaveLength(1);
    expect(server.aborts, "an unknown upload is as good as aborted").toBe(1);
  });
});

describe("an abort", () => {
  test("while the upload is made: it is aborted as soon as its id is known", async () => {
    const controller = new AbortController();
    let answerIt = (): void => undefined;
    const { bucket, server } = await rig({
      create: (answer) => {
        answerIt = () => answerCreated(answer);
        controller.abort();
      },
    });
    await expectCode(bucket.put("key", body, { signal: controller.signal }), "ABORTED");
    expect(server.uploads.size).toBe(1);
    answerIt();
    await bucket[Symbol.asyncDispose]();
    expect(server.uploads.size).toBe(0);
    expect(server.aborts).toBe(1);
  });

  test("while parts are on their way: they are cut off before the upload is aborted", async () => {
    const controller = new AbortController();
    const { bucket, server } = await rig({
      part: (number) => {
        if (number === 2) controller.abort();
      },
    });
    await expectCode(bucket.put("key", body, { signal: controller.signal }), "ABORTED");
    expect(server.aborts).toBe(1);
    expect(server.requests.at(-1)?.method).toBe("DELETE");
    expect(server.requests.at(-1)?.url).toContain("uploadId=upload-1");
  });

  test("whose clean-up hangs: the caller waits abortWaitMs and no longer", async () => {
    const controller = new AbortController();
    const { bucket } = await rig(
      { part: () => controller.abort(), abort: () => undefined },
      { abortWaitMs: 50_000 },
    );
    await expectCode(bucket.put("key", body, { signal: controller.signal }), "ABORTED");
  });
});
