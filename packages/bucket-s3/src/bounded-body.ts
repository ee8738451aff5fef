import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";

/** Bytes of an error's body that are read; a real one has hundreds. */
const errorBytesMax = 256 * 1024;

/** Makes a stream of an error's body that closes the connection where it goes on for too long. */
export function boundedBody(response: IncomingMessage): Transform {
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.byteLength;
      if (bytes <= errorBytesMax) {
        done(null, chunk);
        return;
      }
      response.destroy();
      done(new Error(`an error's body of more than ${errorBytesMax} bytes`));
    },
  });
  bounded.on("error", () => undefined);
  response.once("close", () => {
    if (!response.complete && !bounded.destroyed) {
      bounded.destroy(response.errored ?? new Error("an error's body was cut off"));
    }
  });
  response.pipe(bounded);
  return bounded;
}
