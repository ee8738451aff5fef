import type { ErrorCode, Persistence } from "@bitstore/core";

/** What the status of an answer means: the bytes, a miss, or a failure of a code. */
export type StatusMeaning =
  | { readonly kind: "bytes" }
  | { readonly kind: "absent" }
  | { readonly kind: "redirect" }
  | StatusFailure;

export interface StatusFailure {
  readonly kind: "failure";
  readonly code: ErrorCode;
  readonly message: string;
  readonly persistence?: Persistence;
}

const failure = (code: ErrorCode, message: string, persistence?: Persistence): StatusFailure =>
  persistence === undefined
    ? { kind: "failure", code, message }
    : { kind: "failure", code, message, persistence };

const refused = "the API refused the request; check url and headers";

/**
 * Maps statuses to meanings (RFC 9110, section 15). A miss is only what says so: 404, 410, and 204,
 * which APIs use for "nothing there". Statuses that it does not name follow {@link meaningOf}.
 */
export const statusTable: Readonly<Record<number, StatusMeaning>> = {
  200: { kind: "bytes" },
  202: failure("UNAVAILABLE", "the API accepted the request but has no bytes yet"),
  203: { kind: "bytes" },
  204: { kind: "absent" },
  206: { kind: "bytes" },
  301: { kind: "redirect" },
  302: { kind: "redirect" },
  303: { kind: "redirect" },
  307: { kind: "redirect" },
  308: { kind: "redirect" },
  400: failure("INTERNAL", refused),
  401: failure("UNAUTHENTICATED", "the API does not take the credentials; check headers"),
  402: failure("PERMISSION_DENIED", "the API wants payment"),
  403: failure("PERMISSION_DENIED", "the API denies access to it; check headers"),
  404: { kind: "absent" },
  405: failure("UNSUPPORTED", "the API does not take this method here"),
  407: failure("UNAUTHENTICATED", "the proxy wants credentials; put them into its URL"),
  408: failure("TIMEOUT", "the API gave up waiting for the request"),
  409: failure("UNAVAILABLE", "the API reports a conflict"),
  410: { kind: "absent" },
  412: failure("PRECONDITION_FAILED", "the blob is not at the version that was asked for"),
  413: failure("TOO_LARGE", "the API does not take a body of this size"),
  416: failure("RANGE_NOT_SATISFIABLE", "the range starts past the end of the blob"),
  421: failure("UNAVAILABLE", "the server is not the one for this host"),
  423: failure("UNAVAILABLE", "the API reports it as locked"),
  425: failure("UNAVAILABLE", "the API refused the request as too early"),
  429: failure("RATE_LIMITED", "the API wants fewer requests; lower requestsPerSecondMax"),
  451: failure("PERMISSION_DENIED", "the API withholds it for legal reasons"),
  501: failure("UNSUPPORTED", "the API does not implement this method"),
};

/** Finds a status in the table; other 4xx are permanent, 5xx transient, the rest no answer to us. */
export function meaningOf(status: number): StatusMeaning {
  const known = statusTable[status];
  if (known !== undefined) return known;
  if (status >= 500 && status < 600) {
    return failure("UNAVAILABLE", "the API is failing");
  }
  if (status >= 400 && status < 500) return failure("INTERNAL", refused);
  return failure("INTERNAL", "the API gave an answer that a read can't use");
}
