import { type ErrorCode, isStoreError, type Persistence, StoreError } from "@bitstore/core";
import { privateAddressCode } from "./private-address.ts";

/** What a failed request was about. */
export interface Asked {
  readonly operation: string;
  readonly subject: string;
  readonly source: string;
}

type Row = readonly [code: ErrorCode, message: string, persistence?: Persistence];

const closed: Row = ["UNAVAILABLE", "the connection broke"];
const short: Row = ["UNAVAILABLE", "the body ended before its declared length"];
const certificate: Row = [
  "UNAVAILABLE",
  "the server's certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS",
  "permanent",
];
const disposed: Row = ["UNAVAILABLE", "the source has been disposed", "permanent"];

/**
 * Maps error codes of undici and of Node to ours. Codes that it does not name are UNAVAILABLE: they
 * say that the source did not answer.
 */
export const transportTable: Readonly<Record<string, Row>> = {
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
  [privateAddressCode]: [
    "UNAVAILABLE",
    "the host has a private address; set privateAddresses if that is meant",
    "permanent",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UND_ERR_CLOSED: disposed,
  UND_ERR_CONNECT_TIMEOUT: ["TIMEOUT", "the connection was not made in time (connectTimeoutMs)"],
  UND_ERR_DESTROYED: disposed,
  UND_ERR_HEADERS_OVERFLOW: ["UNAVAILABLE", "the answer's headers are too long", "permanent"],
  UND_ERR_PRX_CONN: ["UNAVAILABLE", "the proxy broke the connection"],
  UND_ERR_PRX_TLS: [
    "UNAVAILABLE",
    "the proxy's certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS",
    "permanent",
  ],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: [
    "INVALID_ARGUMENT",
    "the body does not have the declared size",
  ],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: short,
  UND_ERR_SOCKET: closed,
  UNABLE_TO_GET_ISSUER_CERT: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
};

/** Turns what undici failed with into a StoreError; one that is a StoreError passes as it is. */
export function transportError(error: unknown, asked: Asked): StoreError {
  if (isStoreError(error)) return error;
  const { operation, subject, source } = asked;
  const key = codeOf(error);
  const [code, message, persistence] = transportTable[key] ?? other(key, error);
  return new StoreError({ code, operation, subject, source, message, persistence, cause: error });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // Attempts at several addresses of one name fail together; the first says as much as all.
  if (error instanceof AggregateError && !("code" in error)) return codeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function other(key: string, error: unknown): Row {
  if (key.startsWith("HPE_")) return ["UNAVAILABLE", "the answer is no proper HTTP"];
  const text = error instanceof Error ? error.message : "";
  // The only trace of the status that a proxy refused a tunnel or a request with.
  const status = /\((\d{3})\)/.exec(text)?.[1];
  if (status === "407") {
    return ["UNAUTHENTICATED", "the proxy wants credentials; put them into its URL"];
  }
  if (status !== undefined) return ["UNAVAILABLE", `the proxy answered ${status}`];
  if (key === "UND_ERR_INVALID_ARG") return ["INTERNAL", "the request is not well formed"];
  return ["UNAVAILABLE", key === "" ? "the request failed" : `the request failed (${key})`];
}
