import { type ErrorCode, isStoreError, type Persistence, StoreError } from "@bitstore/core";
import type { Asked } from "./transport.ts";

type Row = readonly [code: ErrorCode, message: string, persistence?: Persistence];

const closed: Row = ["UNAVAILABLE", "the connection broke"];
const disposed: Row = ["UNAVAILABLE", "the client has been disposed", "permanent"];
const certificate: Row = [
  "UNAVAILABLE",
  "the server's certificate is not trusted; name its CA in tls.ca or NODE_EXTRA_CA_CERTS",
  "permanent",
];

/** Maps codes of undici and of Node to ours; what it does not name is UNAVAILABLE for a while. */
export const undiciTable: Readonly<Record<string, Row>> = {
  CERT_HAS_EXPIRED: ["UNAVAILABLE", "the server's certificate has expired", "permanent"],
  CERT_SIGNATURE_FAILURE: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  EAI_AGAIN: ["UNAVAILABLE", "the host's name could not be looked up just now"],
  ECONNREFUSED: ["UNAVAILABLE", "nothing listens there"],
  ECONNRESET: closed,
  EHOSTUNREACH: ["UNAVAILABLE", "the host can't be reached"],
  ENETUNREACH: ["UNAVAILABLE", "the network can't be reached"],
  ENOTFOUND: ["UNAVAILABLE", "the host's name is not known"],
  EPIPE: closed,
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "UNAVAILABLE",
    "the server's certificate is for another host",
    "permanent",
  ],
  ETIMEDOUT: ["TIMEOUT", "the connection was not made in time"],
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UND_ERR_CLOSED: disposed,
  UND_ERR_CONNECT_TIMEOUT: ["TIMEOUT", "the connection was not made in time (connectMs)"],
  UND_ERR_DESTROYED: disposed,
  UND_ERR_HEADERS_OVERFLOW: ["UNAVAILABLE", "the answer's headers are too long", "permanent"],
  UND_ERR_PRX_CONN: ["UNAVAILABLE", "the proxy broke the connection"],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: [
    "INVALID_ARGUMENT",
    "the body does not have the declared size",
  ],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ["UNAVAILABLE", "the body ended before its declared length"],
  UND_ERR_SOCKET: closed,
  UNABLE_TO_GET_ISSUER_CERT: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
};

/** Turns what undici failed with into a StoreError; one that is a StoreError passes as it is. */
export function undiciError(error: unknown, asked: Asked): StoreError {
  if (isStoreError(error)) return error;
  const { operation, subject, source } = asked;
  const key = codeOf(error);
  const shown = key === "" ? "the request failed" : `the request failed (${key})`;
  const [code, message, persistence] = undiciTable[key] ?? (["UNAVAILABLE", shown] satisfies Row);
  return new StoreError({
    code,
    operation,
    subject,
    source,
    message,
    persistence,
    serviceCode: key === "" ? undefined : key,
    cause: error,
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // Attempts at several addresses of one name fail together; the first says as much as all.
  if (error instanceof AggregateError && !("code" in error)) return codeOf(error.errors[0]);
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
