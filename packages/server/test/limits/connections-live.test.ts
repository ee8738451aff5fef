import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { testCertificate } from "../../../../test/services/certificate.ts";
import { limitConnections } from "../../src/limits/connection-limit.ts";
import { trustedProxies } from "../../src/limits/trusted-proxies.ts";
import { parseServerConfig } from "../../src/server-config.ts";
import { openServer } from "../support/open-server.ts";
import { rottenServer } from "../support/rotten-server.ts";

// How many connections one address may have open, with TLS and without, and what frees a place.

const bound = 3;
const nodeLimits = { connectionsPerAddressMax: bound, headersTimeoutMs: 300 };
const ca = testCertificate.cert;

/** A connection that asked, and what the server said first: nothing, where it was closed. */
interface Asked {
  readonly socket: Socket;
  readonly said: string;
}

/** Connects and asks; whoever is let in stays. */
async function ask(port: number, isTls = false): Promise<Asked> {
  const socket = isTls
    ? connectTls({ port, host: "127.0.0.1", servername: "localhost", ca })
    : connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const said = Promise.withResolvers<string>();
  socket.once("data", (bytes: Buffer) => said.resolve(bytes.toString("latin1", 0, 15)));
  socket.once("close", () => said.resolve(""));
  return { socket, said: await said.promise };
}

/** Opens as many as may be, once those that were there before have gone. */
async function fill(port: number, isTls: boolean): Promise<readonly Socket[]> {
  const open: Socket[] = [];
  const late = AbortSignal.timeout(20_000);
  while (open.length < bound) {
    const { socket, said } = await ask(port, isTls);
    if (said !== "") open.push(socket);
    // A place that nothing frees would be waited for without end.
    late.throwIfAborted();
  }
  return open;
}

/** Ways in which a connection ends, from the client's side; each resolves once it sees it closed. */
const endings: Readonly<Record<string, (port: number) => Promise<void>>> = {
  "says nothing, and goes": (port) => ending(port, (socket) => socket.end()),
  "is reset": (port) => ending(port, (socket) => socket.resetAndDestroy()),
  "says what is neither HTTP nor TLS": (port) =>
    ending(port, (socket) => socket.write("\x00\x01garbage\r\n\r\n")),
  "goes in the middle of its words": (port) =>
    ending(port, (socket) => socket.end(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))),
  "says half, and nothing more": (port) =>
    ending(port, (socket) => socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))),
};

async function ending(port: number, end: (socket: Socket) => unknown): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  const closed = once(socket, "close");
  await once(socket, "connect");
  end(socket);
  await closed;
}

describe.each([
  ["HTTP", undefined],
  ["TLS", testCertificate],
])("connections of one address over %s", (_name, tls) => {
  const isTls = tls !== undefined;

  test("are no more than they may be, and what is over is closed without a word", async () => {
    await using served = await rottenServer({ knowsSize: true, nodeLimits, tls });
    const open = await fill(served.port, isTls);
    for (let each = 0; each < 5; each += 1) {
      expect((await ask(served.port, isTls)).said).toBe("");
    }
    // Those that were there are served on, and a place that one of them leaves is another's.
    for (const socket of open) {
      socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const [bytes] = (await once(socket, "data")) as [Buffer];
      expect(bytes.toString("latin1", 0, 15)).toBe("HTTP/1.1 200 OK");
    }
    for (const socket of open) socket.destroy();
    for (const socket of await fill(served.port, isTls)) socket.destroy();
  });

  test("are counted before they have said a word", async () => {
    // A handshake that is never begun costs as much as one that is done.
    const limits = { connectionsPerAddressMax: bound };
    await using served = await rottenServer({ knowsSize: true, nodeLimits: limits, tls });
    const silent = Array.from({ length: bound }, () => connect(served.port, "127.0.0.1"));
    for (const socket of silent) if (socket.connecting) await once(socket, "connect");
    expect((await ask(served.port, isTls)).said).toBe("");
    for (const socket of silent) socket.destroy();
    for (const socket of await fill(served.port, isTls)) socket.destroy();
  });

  test.each(Object.entries(endings))("free their place: one that %s", async (_how, end) => {
    // More of them than there are places, so that one that is not freed is missed.
    await using served = await rottenServer({ knowsSize: true, nodeLimits, tls });
    for (let each = 0; each < 2 * bound; each += 1) await end(served.port);
    const open = await fill(served.port, isTls);
    expect((await ask(served.port, isTls)).said).toBe("");
    for (const socket of open) socket.destroy();
  });
});

test("trusted proxies hold as many as they like, until they are trusted no more", async () => {
  const trusted = { nodeLimits, trustedProxies: ["127.0.0.0/8"] };
  await using served = await openServer(trusted);
  const open: Asked[] = [];
  for (let each = 0; each < 4 * bound; each += 1) open.push(await ask(served.port));
  expect(open.filter(({ said }) => said === "")).toEqual([]);
  served.server.setLimits({ nodeLimits });
  // What was let in was not counted, and is not cut off.
  const more = await fill(served.port, false);
  expect((await ask(served.port)).said).toBe("");
  served.server.setLimits(trusted);
  expect((await ask(served.port)).said).not.toBe("");
  for (const { socket } of open) expect(socket.destroyed).toBe(false);
  for (const socket of [...more, ...open.map(({ socket: each }) => each)]) socket.destroy();
});

test("other bounds hold from the next connection on, of one address and of all", async () => {
  await using served = await openServer();
  const open: Asked[] = [];
  for (let each = 0; each < bound; each += 1) open.push(await ask(served.port));
  const more = async (): Promise<string> => {
    const asked = await ask(served.port);
    open.push(asked);
    return asked.said;
  };
  served.server.setLimits({ nodeLimits: { connectionsPerAddressMax: bound } });
  expect(await more()).toBe("");
  served.server.setLimits({ nodeLimits: { connectionsPerAddressMax: bound + 1 } });
  expect(await more()).not.toBe("");
  served.server.setLimits({ nodeLimits: { connectionsMax: 1 } });
  expect(await more()).toBe("");
  served.server.setLimits({});
  expect(await more()).not.toBe("");
  for (const { socket } of open) socket.destroy();
});

test("addresses are counted each by itself, an IPv6 /64 as one", () => {
  // Sockets of a machine that has them all; each address is asked for by two, where one may be.
  const server = createServer();
  const proxies = trustedProxies(["2001:db8:9::/48"]);
  limitConnections(server, () => ({ connectionsPerAddressMax: 1, proxies }));
  const isLetIn = (remoteAddress: string): boolean => {
    const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: remoteAddress });
    server.emit("connection", socket);
    return !socket.destroyed;
  };
  const addresses = [
    ["203.0.113.1", true],
    ["203.0.113.1", false],
    ["::ffff:203.0.113.1", false],
    ["203.0.113.2", true],
    ["2001:db8:1:2::1", true],
    ["2001:db8:1:2:ffff::1", false],
    ["2001:db8:1:3::1", true],
    ["fe80::1%eth0", true],
    ["fe80::2%eth0", false],
    ["2001:db8:9::1", true],
    ["2001:db8:9::1", true],
  ] as const;
  expect(addresses.map(([address]) => [address, isLetIn(address)])).toEqual(addresses);
});

test("the config says how many", () => {
  const limits = { connections: 500, connectionsPerAddress: 50 };
  expect(parseServerConfig({ limits }).nodeLimits).toEqual({
    connectionsMax: 500,
    connectionsPerAddressMax: 50,
  });
  expect(parseServerConfig({}).nodeLimits).toEqual({});
  for (const key of Object.keys(limits)) {
    for (const wrong of [0, -1, 1.5, "many"]) {
      expect(() => parseServerConfig({ limits: { [key]: wrong } })).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID", subject: `server.limits.${key}` }),
      );
    }
  }
});
