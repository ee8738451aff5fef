import type { IncomingMessage } from "node:http";
import type { Clock } from "@bitstore/core";
import type { ServerLimits } from "../server-limits.ts";

/**
 * Reads and drops what a client sends until it ends, for a bounded time and number of bytes. It
 * resolves in any case; a client that goes on for longer is cut off.
 */
export function linger(
  incoming: IncomingMessage,
  clock: Clock,
  { lingerMs, lingerBytesMax }: ServerLimits,
): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      cancel();
      incoming.off("data", onData);
      for (const event of ["end", "close", "error"]) incoming.off(event, done);
      resolve();
    };
    const onData = (chunk: Uint8Array): void => {
      bytes += chunk.byteLength;
      if (bytes > lingerBytesMax) done();
    };
    const cancel = clock.after(lingerMs, done);
    if (incoming.complete || incoming.destroyed) {
      done();
      return;
    }
    for (const event of ["end", "close", "error"]) incoming.on(event, done);
    incoming.on("data", onData);
    incoming.resume();
  });
}
