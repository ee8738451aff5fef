import type { Bytes } from "@bitstore/core";

/** What a request is about, for the messages of its failures. */
export interface Asked {
  /** The verb, such as `open`. */
  readonly operation: string;
  /** A digest, a tag, or what else is asked for. */
  readonly subject: string;
  /** Name of the store that is asked, without secrets. */
  readonly source: string;
}

export interface WireRequest extends Asked {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Absolute; nothing in it is secret. */
  readonly url: string;
  /** Names are lower case. The token is among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Bytes | undefined;
  /** Ends the request, and the answer's body as well. */
  readonly signal: AbortSignal;
}

/** An answer whose headers are here. Its body is read, or it is discarded. */
export interface WireAnswer {
  readonly status: number;
  /** Value of a header by its lower-case name; undefined where there is none. */
  header(name: string): string | undefined;
  /** Throws where the connection breaks before the body's end. */
  readonly body: Bytes;
}

/**
 * Sends requests. `send` resolves once the answer's headers are here and follows no redirect, since
 * the token would go along; it rejects with a StoreError, or with anything at all once the signal has
 * aborted. Nothing is repeated. Disposing it closes its connections.
 */
export interface Transport extends AsyncDisposable {
  send(request: WireRequest): Promise<WireAnswer>;
}

/** Codes of failures that came before the request left: nothing can have happened because of it. */
export const neverSent: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);
