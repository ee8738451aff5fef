import type { Verdict } from "./service-answers.ts";

const unavailable = (message: string): Verdict => ({ code: "UNAVAILABLE", message });

/** Failures before anything was sent: the request has had no effect. */
const neverSent: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: check the endpoint",
  ENOTFOUND: "the host has no address: check the account and the endpoint",
  EAI_AGAIN: "the host's address can't be looked up now",
  EHOSTUNREACH: "the host can't be reached",
  ENETUNREACH: "the network can't be reached",
  ERR_PROXY_TUNNEL: "the proxy refuses the connection: check HTTPS_PROXY",
};

/** Failures after which nobody knows whether the request had its effect. */
const maybeSent: Readonly<Record<string, string>> = {
  ECONNRESET: "the connection broke",
  ECONNABORTED: "the connection broke",
  EPIPE: "the connection broke",
  ETIMEDOUT: "the connection timed out",
  ERR_STREAM_PREMATURE_CLOSE: "the connection broke",
  ERR_SOCKET_CONNECTION_TIMEOUT: "the connection timed out",
  REQUEST_SEND_ERROR: "the request could not be sent",
  PARSE_ERROR: "the answer can't be parsed",
};

/** Says what a socket's, TLS's or parser's code means; undefined where it is none of them. */
export function verdictByTransportCode(code: string): Verdict | undefined {
  const message = neverSent[code] ?? maybeSent[code];
  if (message !== undefined) return unavailable(message);
  if (code.startsWith("HPE_")) return unavailable("the answer is not HTTP: check the endpoint");
  if (!isTlsCode(code)) return undefined;
  return {
    code: "UNAVAILABLE",
    message: `TLS failed (${code}): check the endpoint's scheme and NODE_EXTRA_CA_CERTS`,
    persistence: "permanent",
  };
}

/** Tells whether a failure shows that the service has not seen the request. */
export function wasNeverSent(code: string | undefined): boolean {
  return code !== undefined && (Object.hasOwn(neverSent, code) || isTlsCode(code));
}

function isTlsCode(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$/.test(code);
}
