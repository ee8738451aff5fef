import { generateKeyPairSync } from "node:crypto";
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

const ofTheCurve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ofAnotherKind = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const pem = { type: "pkcs8", format: "pem" } as const;
const secrecy = { cipher: "aes-256-cbc", passphrase: "secret" } as const;
const { cert, key } = testCertificate;

// TLS itself takes some of these, and then fails every handshake.
test.each([
  ["a key of another certificate", { cert, key: ofTheCurve.export(pem) }, "is not that of"],
  ["a key of another kind", { cert, key: ofAnotherKind.export(pem) }, "is not that of"],
  ["an encrypted key", { cert, key: ofTheCurve.export({ ...pem, ...secrecy }) }, "is encrypted"],
  [
    "an encrypted key of the old form",
    { cert, key: ofTheCurve.export({ ...pem, type: "sec1", ...secrecy }) },
    "is encrypted",
  ],
  ["an empty key", { cert, key: "" }, "no private key"],
  ["an empty certificate", { cert: Buffer.alloc(0), key }, "no certificate"],
  ["the two in each other's place", { cert: key, key: cert }, "no certificate"],
  ["a certificate that is no PEM", { cert: "certificate", key }, "no certificate"],
  ["a key that is cut off", { cert, key: key.slice(0, 100) }, "no private key"],
])("%s is refused as the config's mistake, with both named", async (_, pair, says) => {
  for (const files of [undefined, { cert: "cert.pem", key: "key.pem" }]) {
    const opening = rottenServer({ knowsSize: true, tls: { ...pair, files } });
    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const names = files ?? { cert: "server.tls.cert", key: "server.tls.key" };
    for (const word of [says, names.cert, names.key]) await expect(opening).rejects.toThrow(word);
  }
});

test("a key and its chain may be in one file, in any order", async () => {
  for (const whole of [cert + key, key + cert]) {
    await using served = await rottenServer({ knowsSize: true, tls: { cert: whole, key: whole } });
    expect(served.url).toMatch(/^https:/);
  }
});
