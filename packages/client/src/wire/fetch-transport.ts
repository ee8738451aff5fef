import { type Bytes, StoreError } from "@bitstore/core";
import type { Asked, Transport, WireAnswer } from "./transport.ts";

/** A `fetch` as browsers have it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Bytes of a body that is put from a browser, which must hold it before it sends it. */
const uploadBytesMax = 2 * 2 ** 30;

/** Headers that a browser sets itself. */
const settled: ReadonlySet<string> = new Set(["content-length", "accept-encoding"]);

/**
 * Sends requests by `fetch`. Answers stream; what is put is collected first, since browsers send no
 * stream over HTTP/1.1: TOO_LARGE above 2 GiB. Cookies are neither sent nor kept.
 */
export function fetchTransport(fetch: Fetch): Transport {
  return {
    async send(request) {
      const { method, url, headers, body, signal } = request;
      const sent = Object.entries(headers).filter(([name]) => !settled.has(name));
      const upload = body === undefined ? undefined : await collected(body, request);
      const init: RequestInit = {
        method,
        headers: Object.fromEntries(sent),
        signal,
        redirect: "manual",
        credentials: "omit",
        cache: "no-store",
        ...(upload === undefined ? {} : { body: upload }),
      };
      const response = await fetch(url, init).catch((cause: unknown) => {
        // A browser says of no failure what it was, lest a page learn about other servers.
        throw broken(
          request,
          "the server can't be reached, or its CORS origins lack this page",
          cause,
        );
      });
      if (response.type === "opaqueredirect") {
        throw broken(
          request,
          "the server redirects, which is not followed",
          undefined,
          "permanent",
        );
      }
      return answerOf(response, request);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function answerOf(response: Response, asked: Asked): WireAnswer {
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: chunksOf(response.body, asked),
  };
}

async function* chunksOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  asked: Asked,
): Bytes {
  // Not every browser can iterate a stream by itself.
  const reader = stream?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw broken(asked, "the connection broke", cause);
      });
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function collected(body: Uint8Array | Bytes, asked: Asked): Promise<Blob> {
  if (body instanceof Uint8Array) return new Blob([body.slice()]);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > uploadBytesMax) {
      const message = `a browser puts ${uploadBytesMax} bytes at most`;
      throw new StoreError({ code: "TOO_LARGE", ...about(asked), message });
    }
    parts.push(chunk.slice());
  }
  return new Blob(parts);
}

function broken(
  asked: Asked,
  message: string,
  cause: unknown,
  persistence: "transient" | "permanent" = "transient",
): StoreError {
  return new StoreError({ code: "UNAVAILABLE", ...about(asked), message, persistence, cause });
}

function about({ operation, subject, source }: Asked): Asked {
  return { operation, subject, source };
}
