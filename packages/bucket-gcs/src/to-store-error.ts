import { type ErrorCode, isStoreError, type Persistence, StoreError } from "@bitstore/core";
import { isObject, objectField, stringField } from "./json-fields.ts";
import type { Refusal } from "./refusal.ts";

/** What is said of an error; how long it lasts where the code does not tell. */
interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly persistence?: Persistence | undefined;
}

/**
 * Turns what the service, the socket or the credential library said into a StoreError. It is pure:
 * whether a 404 means the object or the bucket is not for it to find out, so it says NOT_FOUND. The
 * cause keeps name, code and message only, since errors of the credential library carry requests.
 *
 * Statuses and reasons as in https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 */
export function toStoreError(
  error: unknown,
  operation: string,
  source: string,
  subject?: string,
): StoreError {
  if (isStoreError(error)) return error;
  const refusal = isRefusal(error) ? error : undefined;
  const verdict = ofRefusal(refusal) ?? ofCredentials(error) ?? ofSocket(error) ?? unknownVerdict;
  return new StoreError({
    ...verdict,
    operation,
    source,
    subject,
    retryAfterMs: refusal?.retryAfterMs,
    cause: refusal ?? plainCause(error),
  });
}

const unknownVerdict: Verdict = { code: "INTERNAL", message: "failed in an unknown way" };

function isRefusal(error: unknown): error is Refusal {
  return isObject(error) && !(error instanceof Error) && typeof error["status"] === "number";
}

const byStatus: Readonly<Record<number, readonly [code: ErrorCode, clause: string]>> = {
  400: ["INVALID_ARGUMENT", "refused the request"],
  401: ["UNAUTHENTICATED", "refused the credentials: check `credentials`, or log in again"],
  403: ["PERMISSION_DENIED", "denied: give the account a role on the bucket"],
  404: ["NOT_FOUND", "not found"],
  405: ["UNSUPPORTED", "does not support this: check `endpoint`"],
  408: ["TIMEOUT", "gave up waiting for the request"],
  409: ["UNAVAILABLE", "in conflict with another request"],
  410: ["UNAVAILABLE", "lost the upload session"],
  412: ["PRECONDITION_FAILED", "the object is not at the version that was asked for"],
  413: ["TOO_LARGE", "takes no object of that size"],
  416: ["RANGE_NOT_SATISFIABLE", "the range starts at or past the end"],
  429: ["RATE_LIMITED", "asks for fewer requests"],
  501: ["UNSUPPORTED", "does not support this: check `endpoint`"],
};

/** Reasons that say more than their status does. */
const byReason: Readonly<Record<string, readonly [code: ErrorCode, clause: string]>> = {
  rateLimitExceeded: ["RATE_LIMITED", "asks for fewer requests"],
  userRateLimitExceeded: ["RATE_LIMITED", "asks for fewer requests"],
  userProjectMissing: ["PERMISSION_DENIED", "the requester pays: set `userProject`"],
  resourceIsEncryptedWithCustomerEncryptionKey: [
    "PERMISSION_DENIED",
    "the object has a key of its own: set `encryptionKey`",
  ],
  customerEncryptionKeyIsIncorrect: ["PERMISSION_DENIED", "`encryptionKey` is not the object's"],
};

function ofRefusal(refusal: Refusal | undefined): Verdict | undefined {
  if (refusal === undefined) return undefined;
  const { status, reason, message } = refusal;
  const known = (reason === undefined ? undefined : byReason[reason]) ?? byStatus[status];
  const [code, clause] = known ?? ofStatusRange(status);
  return { code, message: [`${clause} (${status})`, message].filter(Boolean).join(": ") };
}

function ofStatusRange(status: number): readonly [code: ErrorCode, clause: string] {
  if (status >= 500) return ["UNAVAILABLE", "unavailable"];
  if (status >= 300 && status < 400) {
    return ["UNAVAILABLE", "answered with a redirect, which is not followed: check `endpoint`"];
  }
  if (status >= 400) return ["INVALID_ARGUMENT", "refused the request"];
  return ["UNAVAILABLE", "answered what nobody asked for: check `endpoint`"];
}

const defaultsHint =
  'no Application Default Credentials: run "gcloud auth application-default login", set ' +
  "GOOGLE_APPLICATION_CREDENTIALS, or set `anonymous` for a public bucket";

/** Answers of token endpoints that no repetition changes. */
const grantErrors: ReadonlySet<string | undefined> = new Set([
  "invalid_grant",
  "invalid_client",
  "invalid_request",
  "unauthorized_client",
  "access_denied",
  "invalid_target",
]);

function ofCredentials(error: unknown): Verdict | undefined {
  const text = error instanceof Error ? error.message : "";
  if (text.includes("Could not load the default credentials")) {
    return { code: "UNAUTHENTICATED", message: defaultsHint };
  }
  const response = isObject(error) ? objectField(error, "response") : undefined;
  const word = stringField(response?.["data"], "error") ?? stringField(error, "code");
  if (grantErrors.has(word) || text.includes("invalid_grant")) {
    const name = word ?? "invalid_grant";
    return { code: "UNAUTHENTICATED", message: `the token was refused (${name}): log in again` };
  }
  const status = response?.["status"];
  if (typeof status !== "number") return undefined;
  if (status === 429) return { code: "RATE_LIMITED", message: "the token endpoint is busy (429)" };
  if (status >= 500) {
    return { code: "UNAVAILABLE", message: `the token endpoint is unavailable (${status})` };
  }
  return { code: "UNAUTHENTICATED", message: `the token was refused (${status}): log in again` };
}

const bySocketCode: Readonly<Record<string, Verdict>> = {
  ENOTFOUND: { code: "UNAVAILABLE", message: "the host's name is not known: check `endpoint`" },
  EAI_AGAIN: { code: "UNAVAILABLE", message: "the host's name can't be looked up now" },
  ECONNREFUSED: { code: "UNAVAILABLE", message: "the connection was refused" },
  ECONNRESET: { code: "UNAVAILABLE", message: "the connection broke" },
  ECONNABORTED: { code: "UNAVAILABLE", message: "the connection broke" },
  EPIPE: { code: "UNAVAILABLE", message: "the connection broke" },
  EHOSTUNREACH: { code: "UNAVAILABLE", message: "the host can't be reached" },
  ENETUNREACH: { code: "UNAVAILABLE", message: "the network can't be reached" },
  ETIMEDOUT: { code: "TIMEOUT", message: "the connection timed out" },
  ERR_STREAM_PREMATURE_CLOSE: { code: "UNAVAILABLE", message: "the connection broke" },
  ERR_PROXY_TUNNEL: { code: "UNAVAILABLE", message: "the proxy refused: check HTTPS_PROXY" },
};

function ofSocket(error: unknown): Verdict | undefined {
  const code = stringField(error, "code") ?? stringField(objectField(error, "cause"), "code");
  if (code === undefined) return undefined;
  const known = bySocketCode[code];
  if (known !== undefined) return known;
  if (code.startsWith("HPE_")) {
    return { code: "UNAVAILABLE", message: "did not speak HTTP: check `endpoint`" };
  }
  if (/CERT|ERR_TLS|ERR_SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(code)) {
    const message = `TLS failed (${code}): check \`endpoint\` and NODE_EXTRA_CA_CERTS`;
    return { code: "UNAVAILABLE", message, persistence: "permanent" };
  }
  return undefined;
}

function plainCause(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  return { name, code: stringField(error, "code"), message: message.slice(0, 300) };
}
