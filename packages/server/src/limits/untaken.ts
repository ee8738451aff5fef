import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@bitstore/core";
import { type SlowLimits, watchSlowClient } from "./slow-clients.ts";

/**
 * Calls back once an answer is off our hands: at once where the system took it, else when the client
 * did, or has gone. What was handed to a response in one piece lies in memory until then, so its client
 * is watched as one is to whom a stream is written.
 */
export function onceTaken(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { slow, clock }: { readonly slow: Partial<SlowLimits>; readonly clock: Clock },
  taken: () => void,
): void {
  const { socket } = incoming;
  // Node tells a moment later that it is finished; the system has it once nothing waits to be written.
  const isWritten =
    outgoing.writableEnded && outgoing.socket !== null && outgoing.writableLength === 0;
  if (isWritten || outgoing.writableFinished || outgoing.destroyed || socket.destroyed) {
    taken();
    return;
  }
  const done = (): void => {
    outgoing.off("close", done);
    socket.off("close", done);
    taken();
  };
  outgoing.once("close", done);
  // An answer that waits behind another one on its connection is not told when that closes.
  socket.setMaxListeners(0).once("close", done);
  watchSlowClient(incoming, outgoing, slow, clock);
}
