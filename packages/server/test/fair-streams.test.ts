import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@bitstore/core";
import { expect, test } from "vitest";
import type { Exchange } from "../src/routes/exchange.ts";
import { serverLimitsDefault } from "../src/server-limits.ts";
import { turnEnds } from "../src/wire/end-of-turn.ts";
import { sendBytes } from "../src/wire/send-bytes.ts";

const chunk = Buffer.alloc(64 * 1024);
const chunks = 16;

test("a stream that its socket takes at once lets others have their turn", async () => {
  // Kernels take megabytes without a pause, in which nobody else would be served.
  let turns = 0;
  let isCounting = true;
  const count = (): void => {
    turns += 1;
    if (isCounting) setImmediate(count);
  };
  count();
  const turnsOfChunks: number[] = [];
  async function* body(): AsyncGenerator<Uint8Array, void, void> {
    for (let each = 0; each < chunks; each += 1) {
      turnsOfChunks.push(turns);
      yield chunk;
    }
  }
  const endOfTurn = turnEnds();
  const server = createServer((incoming, outgoing) => {
    const parts = {
      incoming,
      outgoing,
      clock: systemClock,
      limits: serverLimitsDefault,
      endOfTurn,
    };
    void sendBytes(parts as Exchange, body()).then(() => outgoing.end());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  let received = 0;
  await new Promise<void>((resolve) => {
    get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, (response) => {
      response.on("data", (data: Buffer) => {
        received += data.byteLength;
      });
      response.once("end", resolve);
    });
  });
  isCounting = false;
  server.close();
  expect(received).toBe(chunks * chunk.byteLength);
  // The second is pulled before it is known that it has to wait.
  expect(new Set(turnsOfChunks).size).toBe(chunks - 1);
});
