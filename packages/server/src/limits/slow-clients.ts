import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, StoreError, systemClock } from "@bitstore/core";

/** What a client must keep up with; a connection that is held open costs memory and a place. */
export interface SlowLimits {
  /** Bytes a second of a body, either way, over a window in which nothing but the client was waited for. */
  readonly bodyBytesPerSecondMin: number;
  readonly windowMs: number;
}

/**
 * A kibibyte a second over half a minute: the worst mobile link does more, and an attacker needs as many
 * connections as it wants to hold, each with traffic of its own.
 */
export const slowLimitsDefault: SlowLimits = { bodyBytesPerSecondMin: 1024, windowMs: 30_000 };

/** Looks in a window; a client that was waited for in all of them is the slow one. */
const looksPerWindow = 6;

/**
 * Ends a request whose client sends or takes its body too slowly, with TIMEOUT, as a minimum rate over a
 * window: a limit on the whole time would end a large upload that goes well. Time counts only while
 * the client is what is waited for: nothing of its body is left unread, or it takes nothing of what was
 * written. Returns what stops the watch; the end of the response does so as well.
 */
export function watchSlowClient(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  given: Partial<SlowLimits> = {},
  clock: Clock = systemClock,
): () => void {
  const { bodyBytesPerSecondMin, windowMs } = { ...slowLimitsDefault, ...given };
  const { socket } = incoming;
  const lookMs = windowMs / looksPerWindow;
  let since = { looks: 0, received: socket.bytesRead, taken: takenOf(outgoing) };
  let cancel = (): void => undefined;

  function look(): void {
    // An answer that waits behind another one on its connection is not told when that closes.
    if (socket.destroyed) return stop();
    const isSending = !incoming.complete && incoming.readableLength === 0 && !incoming.isPaused();
    const isTaking = (outgoing.socket?.writableLength ?? 0) > 0;
    if (!isSending && !isTaking) {
      // It is the server that is waited for, or nobody.
      since = { looks: 0, received: socket.bytesRead, taken: takenOf(outgoing) };
    } else {
      since = { ...since, looks: since.looks + 1 };
      if (since.looks >= looksPerWindow && !keepsUp()) return end();
    }
    cancel = clock.after(lookMs, look);
  }
  function keepsUp(): boolean {
    const moved = socket.bytesRead - since.received + takenOf(outgoing) - since.taken;
    const isEnough = moved >= (bodyBytesPerSecondMin * windowMs) / 1000;
    since = { looks: 0, received: socket.bytesRead, taken: takenOf(outgoing) };
    return isEnough;
  }
  function end(): void {
    const error = tooSlow(bodyBytesPerSecondMin);
    // One that takes nothing can't be told either.
    if (incoming.complete || outgoing.headersSent) outgoing.destroy(error);
    else incoming.destroy(error);
  }

  cancel = clock.after(lookMs, look);
  const stop = (): void => {
    cancel();
    outgoing.off("close", stop);
  };
  outgoing.once("close", stop);
  return stop;
}

/** Bytes that the system took off our hands; what `bytesWritten` counts may still be in memory. */
function takenOf({ socket }: ServerResponse): number {
  return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
}

function tooSlow(least: number): StoreError {
  return new StoreError({
    code: "TIMEOUT",
    operation: "serve",
    subject: "client",
    message: `it sends or takes fewer than ${least} bytes a second`,
  });
}
