import type { ServerResponse } from "node:http";
import {
  type Attempt,
  currentEntry,
  type ErrorCode,
  errorTable,
  isStoreError,
  retryOf,
  StoreError,
} from "@bitstore/core";
import { isConfined, type Principal } from "../access/principal.ts";
import { type Wording, wordingFor } from "./hide-paths.ts";

export const problemMedia = "application/problem+json";

/** The body of every answer that is an error; RFC 9457. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly requestId: string;
  readonly persistence: StoreError["persistence"];
  readonly retryAfterMs?: number | undefined;
  /** What each tier said, for callers that may know of tiers. */
  readonly attempts?: readonly unknown[] | undefined;
  /** What a refused write of a tag met; null where there was no entry. */
  readonly current?: unknown;
  /** What a write of which nobody knows is to be tried again with. */
  readonly retry?: { readonly nonce: string; readonly base: number } | undefined;
}

/** What each code is called in an answer. */
export const problemTitles: Readonly<Record<ErrorCode, string>> = {
  NOT_FOUND: "Not found",
  DIGEST_MISMATCH: "The bytes are not what the digest names",
  INVALID_ARGUMENT: "The request is malformed",
  RANGE_NOT_SATISFIABLE: "The range lies outside of the blob",
  PRECONDITION_FAILED: "The precondition does not hold",
  TOO_LARGE: "Too large",
  UNAUTHENTICATED: "Credentials are missing or wrong",
  PERMISSION_DENIED: "Not allowed",
  UNSUPPORTED: "Not supported here",
  CONFIG_INVALID: "The server's config is wrong",
  RATE_LIMITED: "Too many requests",
  UNAVAILABLE: "Not available now",
  TIMEOUT: "Not answered in time",
  INDETERMINATE: "Nobody knows whether it was written",
  ARCHIVED: "In cold storage",
  ABORTED: "The client has gone",
  INTERNAL: "The server failed",
};

/** Takes anything that was thrown as an error of ours; what is none of ours is told to the log only. */
export function toStoreError(thrown: unknown): StoreError {
  if (isStoreError(thrown)) return thrown;
  const message = "the server failed; its log says more under the request's id";
  return new StoreError({ code: "INTERNAL", operation: "serve", message, cause: thrown });
}

/** Says an error to a caller; who is confined to tags is told nothing of tiers. */
export function problemOf(
  error: StoreError,
  requestId: string,
  principal: Principal | undefined,
): Problem {
  const say = wordingFor(principal);
  const isUntold = principal !== undefined && isConfined(principal);
  const { code, persistence, retryAfterMs, attempts } = error;
  const current = code === "PRECONDITION_FAILED" && "current" in error;
  const retry = retryOf(error);
  return {
    title: problemTitles[code],
    status: errorTable[code].http,
    code,
    detail: say(error.message),
    requestId,
    persistence,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(attempts === undefined || isUntold
      ? {}
      : { attempts: attempts.map((each) => attemptOf(each, say)) }),
    ...(current ? { current: currentEntry(error) ?? null } : {}),
    ...(retry === undefined ? {} : { retry }),
  };
}

/** Says an attempt as JSON. */
export function attemptOf({ error, note, ...rest }: Attempt, say: Wording): unknown {
  return {
    ...rest,
    ...(note === undefined ? {} : { note: say(note) }),
    ...(error === undefined ? {} : { error: { code: error.code, message: say(error.message) } }),
  };
}

/** Answers with an error, whose headers must not have been sent yet. It does not end the response. */
export function writeProblem(
  outgoing: ServerResponse,
  problem: Problem,
  more: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(problem);
  const { status, code, retryAfterMs } = problem;
  const headers: Record<string, string | number> = {
    "content-type": problemMedia,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": problem.requestId,
    ...more,
  };
  if (code === "UNAUTHENTICATED") headers["www-authenticate"] = "Bearer";
  if (retryAfterMs !== undefined) headers["retry-after"] = Math.ceil(retryAfterMs / 1000);
  outgoing.writeHead(status, headers);
  outgoing.write(body);
}
