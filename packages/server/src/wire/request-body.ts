import type { IncomingMessage } from "node:http";
import { abortedError, type Bytes, isStoreError, StoreError } from "@bitstore/core";
import { watchSlowClient } from "../limits/slow-clients.ts";
import type { Exchange } from "../routes/exchange.ts";

/** Says how long a body will be; undefined where it comes in chunks of any number. */
export function declaredSize({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  const said = headers["content-length"];
  return said === undefined ? 0 : Number(said);
}

/**
 * Makes a body of what a client sends. It can be read once: opening it again rejects with
 * UNAVAILABLE, for good as far as this request goes. A client that waits to be told to send is told
 * when the body is opened, so that one who was refused before sends nothing. What was not read is left
 * to be dealt with; a client that goes away ends it with ABORTED, one that sends too slowly with TIMEOUT.
 */
export function requestBody(exchange: Exchange): () => Bytes {
  let isRead = false;
  return () => {
    if (isRead) throw readTwice();
    isRead = true;
    return chunksOf(exchange);
  };
}

async function* chunksOf(exchange: Exchange): AsyncGenerator<Uint8Array, void, void> {
  const { incoming, outgoing, clock, limits } = exchange;
  const signal = exchange.signal();
  const stop = watchSlowClient(incoming, outgoing, limits.slow, clock);
  if (awaitsContinue(incoming)) outgoing.writeContinue();
  // Left early it must stay open: its socket still has to carry the answer.
  const chunks: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
  let isOver = false;
  try {
    for (;;) {
      const step = await chunks.next();
      if (step.done === true) {
        isOver = true;
        break;
      }
      yield step.value;
    }
    // The stream of a client that went away may end without saying so.
    if (!incoming.complete) throw gone(signal);
  } catch (error) {
    isOver = true;
    throw isStoreError(error) ? error : gone(signal, error);
  } finally {
    stop();
    if (!isOver) await chunks.return?.();
  }
}

/** Tells whether the client sends its body only once it is told to. */
export function awaitsContinue({ headers }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === "100-continue";
}

function gone(signal: AbortSignal, cause?: unknown): StoreError {
  if (signal.aborted) return abortedError("receive", signal, "body");
  const message = "the client went away before its end";
  return new StoreError({ code: "ABORTED", operation: "receive", subject: "body", message, cause });
}

function readTwice(): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "receive",
    subject: "body",
    message: "a tier wants it a second time, and it came once; send it again",
    // Nobody but the client can do anything about it.
    persistence: "permanent",
  });
}
