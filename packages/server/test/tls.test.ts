import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { testCertificate } from "../../../test/services/certificate.ts";
import { rottenServer } from "./support/rotten-server.ts";

// Where the server speaks TLS, whose connections have no reset that a client would see.

test.each([true, false])(
  "a body that turns out to be wrong in mid-stream is broken off; its size known: %s",
  async (knowsSize) => {
    // What tells the client is the framing: too few bytes, or no last chunk.
    await using served = await rottenServer({ knowsSize, tls: testCertificate });
    const asked = request(`${served.url}/v1/blobs/${served.digest}`, {
      ca: testCertificate.cert,
      agent: false,
    });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    let received = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of answer as AsyncIterable<Buffer>) received += chunk.byteLength;
    };
    await expect(read()).rejects.toThrow();
    expect(answer.complete).toBe(false);
    expect(received).toBeGreaterThan(2 ** 20);
    expect(received).toBeLessThan(served.size);
  },
);

test("a client that never ends its handshake is cut off as one whose headers don't come", async () => {
  // Nothing but the connection is made; the runtime's own limit would be two minutes.
  const nodeLimits = { headersTimeoutMs: 200 };
  await using served = await rottenServer({ knowsSize: true, tls: testCertificate, nodeLimits });
  const socket = connect(served.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "close", { signal: AbortSignal.timeout(30_000) });
});
