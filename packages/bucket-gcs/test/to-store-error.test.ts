import { toStoreError } from "@bitstore/bucket-gcs";
import { StoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { retryAfterMs } from "../src/refusal.ts";

// Errors as they were recorded from the service's documentation, from sockets and from the
// credential library, and what each is taken for. The function is pure, so a table says it all.

const refusal = (status: number, reason?: string, message?: string, wait?: number) => ({
  status,
  reason,
  message,
  retryAfterMs: wait,
});

const socketError = (code: string, message = code): Error =>
  Object.assign(new Error(message), { code, errno: -111, syscall: "connect" });

/** The credential library's errors carry the request, with its assertion, and the answer. */
const tokenError = (status: number, error: string): Error =>
  Object.assign(new Error(error), {
    name: "GaxiosError",
    code: String(status),
    config: { data: "assertion=SECRET", headers: { authorization: "Bearer SECRET" } },
    response: { status, data: { error, error_description: "Invalid JWT Signature." } },
  });

const noDefaults = new Error(
  "Could not load the default credentials. Browse to https://cloud.google.com/docs/authentication",
);

const table: readonly [title: string, error: unknown, expected: object][] = [
  ["404", refusal(404, "notFound", "No such object: b/k"), { code: "NOT_FOUND" }],
  ["401", refusal(401, "authError", "Invalid Credentials"), { code: "UNAUTHENTICATED" }],
  ["401 anonymous", refusal(401, "required", "Anonymous"), { code: "UNAUTHENTICATED" }],
  [
    "403",
    refusal(403, "forbidden", "a@b.c does not have storage.objects.get access"),
    { code: "PERMISSION_DENIED", message: expect.stringContaining("storage.objects.get") },
  ],
  ["403 rate", refusal(403, "rateLimitExceeded"), { code: "RATE_LIMITED" }],
  ["403 user rate", refusal(403, "userRateLimitExceeded"), { code: "RATE_LIMITED" }],
  ["412", refusal(412, "conditionNotMet"), { code: "PRECONDITION_FAILED" }],
  ["429", refusal(429, "x", "slow", 7000), { code: "RATE_LIMITED", retryAfterMs: 7000 }],
  ["416", refusal(416, "requestedRangeNotSatisfiable"), { code: "RANGE_NOT_SATISFIABLE" }],
  ["413", refusal(413, "uploadTooLarge"), { code: "TOO_LARGE" }],
  ["408", refusal(408), { code: "TIMEOUT" }],
  ["409", refusal(409, "conflict"), { code: "UNAVAILABLE" }],
  ["410", refusal(410), { code: "UNAVAILABLE" }],
  ["400", refusal(400, "invalid", "Invalid argument."), { code: "INVALID_ARGUMENT" }],
  [
    "400 requester pays",
    refusal(400, "userProjectMissing", "Bucket is requester pays"),
    { code: "PERMISSION_DENIED", message: expect.stringContaining("userProject") },
  ],
  [
    "400 customer key",
    refusal(400, "resourceIsEncryptedWithCustomerEncryptionKey"),
    { code: "PERMISSION_DENIED", message: expect.stringContaining("encryptionKey") },
  ],
  ["418", refusal(418), { code: "INVALID_ARGUMENT" }],
  ["405", refusal(405), { code: "UNSUPPORTED" }],
  ["500", refusal(500, "internalError"), { code: "UNAVAILABLE", persistence: "transient" }],
  ["502", refusal(502), { code: "UNAVAILABLE" }],
  ["503", refusal(503, "backendError", "x", 3000), { code: "UNAVAILABLE", retryAfterMs: 3000 }],
  ["504", refusal(504), { code: "UNAVAILABLE" }],
  ["307", refusal(307), { code: "UNAVAILABLE", message: expect.stringContaining("redirect") }],
  ["206 where JSON was wanted", refusal(206), { code: "UNAVAILABLE" }],
  ["ENOTFOUND", socketError("ENOTFOUND"), { code: "UNAVAILABLE" }],
  ["EAI_AGAIN", socketError("EAI_AGAIN"), { code: "UNAVAILABLE" }],
  ["ECONNREFUSED", socketError("ECONNREFUSED"), { code: "UNAVAILABLE", persistence: "transient" }],
  [
    "ECONNREFUSED of two addresses",
    Object.assign(new AggregateError([socketError("ECONNREFUSED")]), { code: "ECONNREFUSED" }),
    { code: "UNAVAILABLE" },
  ],
  ["ECONNRESET", socketError("ECONNRESET", "socket hang up"), { code: "UNAVAILABLE" }],
  ["EPIPE", socketError("EPIPE"), { code: "UNAVAILABLE" }],
  ["ETIMEDOUT", socketError("ETIMEDOUT"), { code: "TIMEOUT" }],
  ["no HTTP", socketError("HPE_INVALID_CONSTANT"), { code: "UNAVAILABLE" }],
  [
    "unknown authority",
    socketError("SELF_SIGNED_CERT_IN_CHAIN"),
    {
      code: "UNAVAILABLE",
      persistence: "permanent",
      message: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
    },
  ],
  [
    "a fetch that failed below",
    Object.assign(new TypeError("fetch failed"), { cause: socketError("ECONNREFUSED") }),
    { code: "UNAVAILABLE" },
  ],
  [
    "no default credentials",
    noDefaults,
    { code: "UNAUTHENTICATED", message: expect.stringContaining("GOOGLE_APPLICATION_CREDENTIALS") },
  ],
  [
    "invalid_grant",
    tokenError(400, "invalid_grant"),
    { code: "UNAUTHENTICATED", message: expect.stringContaining("invalid_grant") },
  ],
  ["invalid_client", tokenError(401, "invalid_client"), { code: "UNAUTHENTICATED" }],
  ["token endpoint down", tokenError(503, "x"), { code: "UNAVAILABLE", persistence: "transient" }],
  ["token endpoint busy", tokenError(429, "x"), { code: "RATE_LIMITED" }],
  ["something else", new Error("?"), { code: "INTERNAL" }],
  ["no error at all", "text", { code: "INTERNAL" }],
];

describe("toStoreError", () => {
  test.each(table)("%s", (_, error, expected) => {
    const failure = toStoreError(error, "read", "gs://b", "k");
    expect(failure).toMatchObject({
      ...expected,
      operation: "read",
      source: "gs://b",
      subject: "k",
    });
    expect(failure.message).toMatch(/^read k: gs:\/\/b: \S/);
    expect(failure.message).not.toContain("\n");
  });

  test("a StoreError stays what it is", () => {
    const error = new StoreError({ code: "TIMEOUT", operation: "x", message: "y" });
    expect(toStoreError(error, "read", "gs://b")).toBe(error);
  });

  test("nothing of the request that failed is kept", () => {
    const failure = toStoreError(tokenError(400, "invalid_grant"), "read", "gs://b", "k");
    expect(JSON.stringify([failure, failure.cause, failure.message])).not.toContain("SECRET");
  });
});

describe("retryAfterMs", () => {
  test("seconds, dates by the service's clock, and nonsense", () => {
    const date = "Wed, 21 Oct 2015 07:28:00 GMT";
    expect(retryAfterMs("120", undefined)).toBe(120_000);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:28:30 GMT", date)).toBe(30_000);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:27:30 GMT", date)).toBe(0);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:28:30 GMT", undefined)).toBeUndefined();
    expect(retryAfterMs("soon", date)).toBeUndefined();
    expect(retryAfterMs(undefined, date)).toBeUndefined();
  });
});
