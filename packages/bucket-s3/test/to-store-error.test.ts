import { inspect } from "node:util";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { StoreError } from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toStoreError } from "../src/index.ts";
import { type RecordedAnswer, recordedAnswers, secrets } from "./recorded-answers.ts";
import { scriptedServer, type ScriptedServer } from "./scripted-server.ts";

// The table of errors, over answers that services gave. They go through the SDK's own client, from
// a real server, so that what is mapped is what this release of the SDK makes of them.

let server: ScriptedServer;
let client: S3Client;

beforeAll(async () => {
  server = await scriptedServer((got, answer) => {
    const {
      status,
      headers = {},
      body = "",
    } = recordedAnswers[Number(got.url.match(/\d+/)?.[0])] ?? {
      status: 500,
    };
    answer.writeHead(status, { "content-type": "application/xml", ...headers });
    answer.end(body);
  });
  client = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: secrets[0] ?? "", secretAccessKey: "secret" },
  });
});

afterAll(async () => {
  client.destroy();
  await server[Symbol.asyncDispose]();
});

async function errorOf({ method }: RecordedAnswer, at: number): Promise<unknown> {
  const input = { Bucket: "b", Key: `case-${at}` };
  const sending: Promise<unknown> =
    method === "HEAD"
      ? client.send(new HeadObjectCommand(input))
      : method === "PUT"
        ? client.send(new PutObjectCommand({ ...input, Body: "x" }))
        : client.send(new GetObjectCommand(input));
  return sending.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("what services answer", () => {
  for (const [at, recorded] of recordedAnswers.entries()) {
    const { by, method = "GET", status, serviceCode = "no code" } = recorded;
    test(`${by}: ${method} ${status} ${serviceCode} is ${recorded.code}`, async () => {
      const error = toStoreError(await errorOf(recorded, at), "read", {
        source: "s3://b",
        subject: "key",
      });
      expect(error.code).toBe(recorded.code);
      expect(error.serviceCode).toBe(recorded.serviceCode);
      if (recorded.persistence !== undefined) expect(error.persistence).toBe(recorded.persistence);
      expect(error.retryAfterMs).toBe(recorded.retryAfterMs);
      expect(error.message).toMatch(/^read key: s3:\/\/b: [^\n]+$/);
      if (recorded.says !== undefined) expect(error.message).toContain(recorded.says);
      expect(error.cause).toMatchObject({ name: recorded.serviceCode ?? "Unnamed", status });
      // Everything that a log or a console could print of it.
      const printed = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
      for (const secret of secrets) expect(printed).not.toContain(secret);
    });
  }
});

describe("what the system says", () => {
  const systemErrors = {
    ECONNREFUSED: "UNAVAILABLE",
    ENOTFOUND: "UNAVAILABLE",
    EAI_AGAIN: "UNAVAILABLE",
    ECONNRESET: "UNAVAILABLE",
    EPIPE: "UNAVAILABLE",
    ERR_STREAM_PREMATURE_CLOSE: "UNAVAILABLE",
    HPE_INVALID_CONSTANT: "UNAVAILABLE",
    ETIMEDOUT: "TIMEOUT",
    SELF_SIGNED_CERT_IN_CHAIN: "UNAVAILABLE",
  } as const;

  for (const [code, expected] of Object.entries(systemErrors)) {
    test(`${code} is ${expected}`, () => {
      const cause = Object.assign(new Error(`connect ${code} 127.0.0.1:9`), { code });
      const error = toStoreError(cause, "read");
      expect(error).toMatchObject({ code: expected, serviceCode: code });
      const isLasting = code.includes("CERT");
      expect(error.persistence).toBe(isLasting ? "permanent" : "transient");
      if (isLasting) expect(error.message).toContain("AWS_CA_BUNDLE");
    });
  }

  test("a TimeoutError is TIMEOUT, by its name", () => {
    const cause = Object.assign(new Error("no byte moved"), { name: "TimeoutError" });
    expect(toStoreError(cause, "read").code).toBe("TIMEOUT");
  });

  test("an abort is what the signal says, whatever was thrown", () => {
    const reason = new StoreError({ code: "TIMEOUT", operation: "read", message: "too slow" });
    const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    expect(toStoreError(cause, "read", { signal: AbortSignal.abort() }).code).toBe("ABORTED");
    expect(toStoreError(cause, "read", { signal: AbortSignal.abort(reason) })).toBe(reason);
  });

  test("a StoreError stays what it is", () => {
    const error = new StoreError({ code: "TOO_LARGE", operation: "collect", message: "too long" });
    expect(toStoreError(error, "read")).toBe(error);
  });

  test("what nobody knows is INTERNAL, in one line of bounded length", () => {
    const hostile = new Error(`line one\nline two\u001b[31m${"x".repeat(10_000)}`);
    for (const thrown of [hostile, "text", undefined, null, 7, {}]) {
      const error = toStoreError(thrown, "read");
      expect(error.code).toBe("INTERNAL");
      expect(error.message.length).toBeLessThan(300);
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      expect(error.message).not.toMatch(/[\u0000-\u001f]/);
    }
  });
});
