import { inspect } from "node:util";
import { RestError } from "@azure/storage-blob";
import { type ErrorCode, errorTable, type Persistence } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { toStoreError } from "../src/index.ts";
import { retryAfterMs } from "../src/retry-after.ts";

// Errors as the SDK has thrown them, kept as what they carried: status, code in the body, and the
// headers. Answers to HEAD have no body, so their code is in the header alone.

type Headers = Readonly<Record<string, string>>;

/** Makes the SDK's error of a recorded answer. */
function answered(status: number, code?: string, headers: Headers = {}): RestError {
  const all = { "x-ms-request-id": "4a6f", ...headers };
  const response = {
    status,
    headers: { get: (name: string) => new Map(Object.entries(all)).get(name) },
    request: {
      url: "https://acme.blob.core.windows.net/box/blob?sv=2026-10-06&sig=topsecret%3D",
      headers: { authorization: "SharedKey acme:topsecret" },
    },
  };
  const message = code === undefined ? "" : `The specified thing.\nRequestId:4a6f\nTime:2026`;
  return new RestError(message, {
    statusCode: status,
    ...(code === undefined ? {} : { code }),
    response: response as never,
    request: response.request as never,
  });
}

const headOf = (status: number, code: string): RestError =>
  answered(status, undefined, { "x-ms-error-code": code });

function thrown(code: string): Error {
  return new RestError("it failed at https://acme?sig=topsecret", { code });
}

function named(name: string, message = "it failed"): Error {
  return Object.assign(new Error(message), { name });
}

type Row = [what: string, error: unknown, code: ErrorCode, persistence?: Persistence];

const recorded: readonly Row[] = [
  ["BlobNotFound", answered(404, "BlobNotFound"), "NOT_FOUND"],
  ["BlobNotFound of HEAD", headOf(404, "BlobNotFound"), "NOT_FOUND"],
  ["ContainerNotFound", answered(404, "ContainerNotFound"), "UNAVAILABLE", "permanent"],
  ["ContainerNotFound of HEAD", headOf(404, "ContainerNotFound"), "UNAVAILABLE", "permanent"],
  ["ContainerBeingDeleted", answered(409, "ContainerBeingDeleted"), "UNAVAILABLE"],
  ["ResourceNotFound", answered(404, "ResourceNotFound"), "PERMISSION_DENIED"],
  ["404 of something else", answered(404), "UNAVAILABLE", "permanent"],
  ["AuthenticationFailed", answered(403, "AuthenticationFailed"), "UNAUTHENTICATED"],
  ["AuthenticationFailed of HEAD", headOf(403, "AuthenticationFailed"), "UNAUTHENTICATED"],
  ["InvalidAuthenticationInfo", answered(401, "InvalidAuthenticationInfo"), "UNAUTHENTICATED"],
  ["InvalidAuthenticationInfo", answered(400, "InvalidAuthenticationInfo"), "UNAUTHENTICATED"],
  ["NoAuthenticationInformation", answered(401, "NoAuthenticationInformation"), "UNAUTHENTICATED"],
  ["PublicAccessNotPermitted", answered(409, "PublicAccessNotPermitted"), "UNAUTHENTICATED"],
  ["401", answered(401), "UNAUTHENTICATED"],
  ["AuthorizationFailure", answered(403, "AuthorizationFailure"), "PERMISSION_DENIED"],
  [
    "AuthorizationPermissionMismatch",
    answered(403, "AuthorizationPermissionMismatch"),
    "PERMISSION_DENIED",
  ],
  ["AccountIsDisabled", answered(403, "AccountIsDisabled"), "PERMISSION_DENIED"],
  ["403", answered(403), "PERMISSION_DENIED"],
  ["BlobAlreadyExists", answered(409, "BlobAlreadyExists"), "PRECONDITION_FAILED"],
  ["ConditionNotMet", answered(412, "ConditionNotMet"), "PRECONDITION_FAILED"],
  ["ConditionNotMet of HEAD", headOf(412, "ConditionNotMet"), "PRECONDITION_FAILED"],
  ["LeaseIdMissing", answered(412, "LeaseIdMissing"), "PRECONDITION_FAILED"],
  ["LeaseLost", answered(412, "LeaseLost"), "PRECONDITION_FAILED"],
  ["412", answered(412), "PRECONDITION_FAILED"],
  ["BlobArchived", answered(409, "BlobArchived"), "ARCHIVED"],
  ["BlobBeingRehydrated", answered(409, "BlobBeingRehydrated"), "ARCHIVED"],
  ["BlobImmutableDueToPolicy", answered(409, "BlobImmutableDueToPolicy"), "PERMISSION_DENIED"],
  [
    "BlobUsesCustomerSpecifiedEncryption",
    answered(409, "BlobUsesCustomerSpecifiedEncryption"),
    "PERMISSION_DENIED",
  ],
  ["InvalidRange", answered(416, "InvalidRange"), "RANGE_NOT_SATISFIABLE"],
  ["416", answered(416), "RANGE_NOT_SATISFIABLE"],
  ["InvalidResourceName", answered(400, "InvalidResourceName"), "INVALID_ARGUMENT"],
  ["OutOfRangeInput", answered(400, "OutOfRangeInput"), "INVALID_ARGUMENT"],
  ["InvalidBlobType", answered(409, "InvalidBlobType"), "UNSUPPORTED"],
  ["RequestBodyTooLarge", answered(413, "RequestBodyTooLarge"), "TOO_LARGE"],
  ["BlockCountExceedsLimit", answered(409, "BlockCountExceedsLimit"), "TOO_LARGE"],
  ["InvalidBlockList", answered(400, "InvalidBlockList"), "UNAVAILABLE", "transient"],
  ["InvalidBlobOrBlock", answered(400, "InvalidBlobOrBlock"), "UNAVAILABLE", "permanent"],
  ["ServerBusy", answered(503, "ServerBusy"), "RATE_LIMITED"],
  ["429", answered(429), "RATE_LIMITED"],
  ["OperationTimedOut", answered(500, "OperationTimedOut"), "UNAVAILABLE"],
  ["InternalError", answered(500, "InternalError"), "UNAVAILABLE"],
  ["502", answered(502), "UNAVAILABLE"],
  ["503", answered(503), "UNAVAILABLE"],
  ["a version that is not known", answered(400, "InvalidHeaderValue"), "UNSUPPORTED"],
  ["405", answered(405, "UnsupportedHttpVerb"), "UNSUPPORTED"],
  ["400", answered(400, "MissingRequiredHeader"), "INTERNAL"],
  ["an unknown conflict", answered(409, "Whatever"), "UNAVAILABLE"],
  ["a redirect", answered(307), "UNAVAILABLE", "permanent"],
  ["a good answer that broke off", answered(200), "UNAVAILABLE", "transient"],
  ["ECONNREFUSED", thrown("ECONNREFUSED"), "UNAVAILABLE", "transient"],
  ["ECONNRESET", thrown("ECONNRESET"), "UNAVAILABLE", "transient"],
  ["EPIPE", thrown("EPIPE"), "UNAVAILABLE"],
  ["ENOTFOUND", thrown("ENOTFOUND"), "UNAVAILABLE"],
  ["EAI_AGAIN", thrown("EAI_AGAIN"), "UNAVAILABLE"],
  ["ETIMEDOUT", thrown("ETIMEDOUT"), "UNAVAILABLE"],
  ["HPE_INVALID_CONSTANT", thrown("HPE_INVALID_CONSTANT"), "UNAVAILABLE"],
  ["ERR_PROXY_TUNNEL", thrown("ERR_PROXY_TUNNEL"), "UNAVAILABLE"],
  ["PARSE_ERROR", thrown("PARSE_ERROR"), "UNAVAILABLE"],
  ["a certificate of nobody", thrown("DEPTH_ZERO_SELF_SIGNED_CERT"), "UNAVAILABLE", "permanent"],
  [
    "a certificate that can't be followed",
    thrown("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    "UNAVAILABLE",
    "permanent",
  ],
  ["an abort", named("AbortError"), "ABORTED"],
  ["no credential", named("CredentialUnavailableError"), "UNAUTHENTICATED"],
  ["no credential of many", named("AggregateAuthenticationError"), "UNAUTHENTICATED"],
  [
    "an answer without its length",
    named("RangeError", "File download response doesn't contain valid content length header"),
    "UNAVAILABLE",
  ],
  ["a mistake of ours", new TypeError("undefined is not a function"), "INTERNAL"],
  ["no error at all", "a string", "INTERNAL"],
  ["nothing", undefined, "INTERNAL"],
];

describe("toStoreError", () => {
  it.each<Row>(recorded)("%s", (_, error, code, persistence) => {
    const made = toStoreError(error, "read", "az://box", "blob");
    expect(made.code).toBe(code);
    const usual = errorTable[code].transient ? "transient" : "permanent";
    expect(made.persistence).toBe(persistence ?? usual);
    expect(made.message).toMatch(/^read blob: az:\/\/box: [^\n]+$/);
  });

  it("keeps neither request nor secrets", () => {
    for (const [, error] of recorded) {
      const made = toStoreError(error, "read", "az://box", "blob");
      const shown = inspect(made, { depth: 20, showHidden: true }) + JSON.stringify(made.cause);
      expect(shown).not.toContain("topsecret");
      expect(shown).not.toContain("authorization");
    }
  });

  it("tells the operators of the service which request it was", () => {
    const made = toStoreError(answered(500, "InternalError"), "read");
    expect(made.cause).toMatchObject({ requestId: "4a6f", status: 500, code: "InternalError" });
    expect(made.serviceCode).toBe("InternalError");
  });

  it("leaves a StoreError as it is", () => {
    const made = toStoreError(answered(500), "read");
    expect(toStoreError(made, "put")).toBe(made);
  });

  it("keeps secrets of a body that is quoted out of the message", () => {
    const quoted = [
      "no access: https://acme/box?se=2026&sp=r&sig=topsecret%2B here",
      "AccountKey=topsecret==;EndpointSuffix=core",
      "The MAC signature found in Authorization: SharedKey acme:topsecret is not",
      "Bearer topsecret",
      "https://user:topsecret@proxy:8080 refused",
    ];
    for (const message of quoted) {
      const made = toStoreError(named("CredentialUnavailableError", message), "read");
      expect(inspect(made, { depth: 9 })).not.toContain("topsecret");
    }
  });
});

describe("how long to wait", () => {
  const of = (headers: Headers) =>
    retryAfterMs((name) => new Map(Object.entries(headers)).get(name));

  it.each([
    [{}, undefined],
    [{ "retry-after": "3" }, 3000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after-ms": "40", "retry-after": "3" }, 40],
    [{ "x-ms-retry-after-ms": "50" }, 50],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-3" }, undefined],
    [{ "retry-after": "Sat, 21 Nov 2026 10:00:05 GMT" }, undefined],
    [
      {
        "retry-after": "Sat, 21 Nov 2026 10:00:05 GMT",
        date: "Sat, 21 Nov 2026 10:00:00 GMT",
      },
      5000,
    ],
    [
      {
        "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT",
        date: "Sat, 21 Nov 2026 10:00:00 GMT",
      },
      0,
    ],
  ])("%o", (headers, expected) => {
    expect(of(headers)).toBe(expected);
  });
});
