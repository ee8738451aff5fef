import type { ServerResponse } from "node:http";
import { type Bytes, isStoreError, StoreError } from "@bitstore/core";
import { watchSlowClient } from "../limits/slow-clients.ts";
import type { Exchange } from "../routes/exchange.ts";

/** What one stream writes before others have their turn: a socket may take megabytes at once. */
const turnBytesMax = 64 * 1024;

/**
 * Writes a stream to a client as fast as it takes it, without ending the response. Rejects where the
 * client has gone, or was found to take it too slowly; the stream is closed in any case.
 */
export async function sendBytes(exchange: Exchange, bytes: Bytes): Promise<void> {
  const { outgoing, incoming, clock } = exchange;
  const stop = watchSlowClient(incoming, outgoing, exchange.limits.slow, clock);
  try {
    let inTurn = 0;
    for await (const chunk of bytes) {
      if (inTurn >= turnBytesMax) {
        await exchange.endOfTurn();
        inTurn = 0;
      }
      await sendChunk(outgoing, chunk);
      inTurn += chunk.byteLength;
    }
  } finally {
    stop();
  }
}

/** Writes one chunk and waits until the response takes more. */
export async function sendChunk(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
  if (outgoing.destroyed) throw gone(outgoing);
  if (!outgoing.write(chunk)) await drained(outgoing);
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      outgoing.off("close", onClose);
      resolve();
    };
    const onClose = (): void => {
      outgoing.off("drain", onDrain);
      reject(gone(outgoing));
    };
    if (outgoing.destroyed) onClose();
    else if (!outgoing.writableNeedDrain) resolve();
    else outgoing.once("drain", onDrain).once("close", onClose);
  });
}

/**
 * Breaks off a response of which a part was sent, so that nobody takes it for whole: a reset, since an
 * answer that ends where its connection does would look complete after an orderly close.
 */
export function breakOff({ socket }: ServerResponse): void {
  if (socket === null || socket.destroyed) return;
  // A socket under TLS has no reset of its own; without its closing alert the end is no clean one.
  if ("encrypted" in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function gone({ errored }: ServerResponse): StoreError {
  if (isStoreError(errored)) return errored;
  const message = "the client went away before its end";
  return new StoreError({ code: "ABORTED", operation: "send", subject: "body", message });
}
