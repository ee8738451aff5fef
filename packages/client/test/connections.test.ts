import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { digestOf } from "@bitstore/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bitstoreClient } from "../src/index.ts";

// Over TLS the server's certificate must be trusted, by an option or by the environment; a proxy of the
// environment is used, by a tunnel for https, and sees no token.

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../source-http/test/fixtures/${name}`, import.meta.url));

const digest = await digestOf(Buffer.from("blob"), "sha256");
const answer: RequestListener = (request, response) => {
  tokens.push(request.headers["authorization"]);
  response.writeHead(200, { "content-length": "4" }).end();
};
const tokens: (string | undefined)[] = [];
const tunnels: string[] = [];
let secure: Server;
let proxy: Server;
let url: string;

beforeAll(async () => {
  const [cert, key] = await Promise.all(
    ["localhost.crt", "localhost.key"].map((name) => readFile(fixture(name))),
  );
  secure = createTlsServer({ cert, key }, answer);
  proxy = createServer((_, response) => response.writeHead(500).end()).on(
    "connect",
    ({ url: target, headers }, socket) => {
      tunnels.push(`${target} ${headers["authorization"] ?? "without a token"}`);
      const onward = connect(portOf(secure), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Fine\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on("error", () => undefined);
    },
  );
  for (const server of [secure, proxy]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  url = `https://localhost:${portOf(secure)}`;
});

afterAll(() => {
  for (const server of [secure, proxy]) server.close();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

test("a certificate that is not trusted is refused, and says where to name its CA", async () => {
  await using client = bitstoreClient({ url, token: "t", environment: {} });
  await expect(client.store.stat(digest)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    persistence: "permanent",
    detail: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
  expect(tokens).toEqual([]);
});

test("a CA that is given is trusted", async () => {
  const ca = await readFile(fixture("localhost.crt"), "utf8");
  await using client = bitstoreClient({ url, token: "t", tls: { ca }, environment: {} });
  expect(await client.store.stat(digest)).toEqual({ digest, size: 4 });
  expect(tokens.splice(0)).toEqual(["Bearer t"]);
});

test("a CA of the environment is trusted", async () => {
  // It is read when a process starts.
  const script = `
    import { bitstoreClient } from "@bitstore/client";
    const client = bitstoreClient({ url: ${JSON.stringify(url)} });
    console.log((await client.store.stat(${JSON.stringify(digest)})).size);
    await client[Symbol.asyncDispose]();
  `;
  const args = ["--conditions=@bitstore/source", "--input-type=module", "--eval", script];
  const env = { PATH: process.env["PATH"] ?? "", NODE_EXTRA_CA_CERTS: fixture("localhost.crt") };
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd });
  expect(stdout).toBe("4\n");
  tokens.length = 0;
});

test("a proxy of the environment is a tunnel, and sees no token; NO_PROXY goes around it", async () => {
  const ca = await readFile(fixture("localhost.crt"), "utf8");
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` };
  const options = { url, token: "t", tls: { ca } };
  await using client = bitstoreClient({ ...options, environment });
  expect(await client.store.stat(digest)).toEqual({ digest, size: 4 });
  expect(tunnels.splice(0)).toEqual([`localhost:${portOf(secure)} without a token`]);
  expect(tokens.splice(0)).toEqual(["Bearer t"]);
  const around = { ...environment, NO_PROXY: "localhost" };
  await using direct = bitstoreClient({ ...options, environment: around });
  expect(await direct.store.stat(digest)).toEqual({ digest, size: 4 });
  expect(tunnels).toEqual([]);
});

test("headers and the token are asked for each request", async () => {
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    seen.push([request.headers["authorization"], request.headers["traceparent"]]);
    response.writeHead(200, { "content-length": "4" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let count = 0;
  await using client = bitstoreClient({
    url: `http://127.0.0.1:${portOf(server)}/`,
    token: async () => `t${count}`,
    headers: () => ({ traceparent: `p${count}` }),
    environment: {},
  });
  for (count = 1; count < 3; count += 1) await client.store.stat(digest);
  expect(seen).toEqual([
    ["Bearer t1", "p1"],
    ["Bearer t2", "p2"],
  ]);
  count = 3;
  await using odd = bitstoreClient({ url: "http://127.0.0.1:9", token: "a\r\nb", environment: {} });
  await expect(odd.store.stat(digest)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  server.closeAllConnections();
  server.close();
});
