import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createPlainServer, request as forward, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import { listenOn, startServer, type TestBlob, testBlob, type TestServer } from "./test-server.ts";

const certificate = fileURLToPath(new URL("fixtures/localhost.crt", import.meta.url));
const key = fileURLToPath(new URL("fixtures/localhost.key", import.meta.url));
const script = fileURLToPath(new URL("fetch-once.ts", import.meta.url));

let blob: TestBlob;
let plain: TestServer;
let secure: TestServer;
let proxy: Server;
let proxied: string[];
let proxyStatus: number;
let proxyUrl: string;

/** Fetches in a child process: CAs of the environment are read when a process starts. */
async function fetchOnce(url: string, environment: Record<string, string>): Promise<unknown> {
  const { PATH = "" } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@bitstore/source", "--no-warnings", script, url, blob.digest],
    { env: { PATH, ...environment } },
  );
  return JSON.parse(stdout);
}

/** A proxy that forwards plain requests and tunnels the others, and writes down what it did. */
function startProxy(): Server {
  const sockets = new Set<Socket>();
  const server = createPlainServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`);
    if (proxyStatus !== 200) {
      response.writeHead(proxyStatus).end();
      return;
    }
    const onward = forward(request.url ?? "", { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.end();
  });
  server.on("connect", (request, socket: Socket) => {
    proxied.push(`CONNECT ${request.url}`);
    sockets.add(socket.on("error", () => undefined));
    if (proxyStatus !== 200) {
      socket.end(`HTTP/1.1 ${proxyStatus} No\r\n\r\n`);
      return;
    }
    const { port, hostname } = new URL(`http://${request.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Fine\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward.on("error", () => undefined));
  });
  server.on("close", () => sockets.forEach((socket) => socket.destroy()));
  return server;
}

beforeEach(async () => {
  blob = await testBlob(50_000);
  proxied = [];
  proxyStatus = 200;
  plain = await startServer((_, response) => void response.end(blob.bytes));
  const tls = createTlsServer({ cert: await readFile(certificate), key: await readFile(key) });
  const serve: Parameters<typeof startServer>[0] = (_, response) => void response.end(blob.bytes);
  secure = await listenOn(tls, serve, "127.0.0.1", "https");
  proxy = startProxy().listen(0, "127.0.0.1");
  await once(proxy, "listening");
  proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await plain[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  proxy.closeAllConnections();
  proxy.close();
});

describe("https", () => {
  test("with a CA of NODE_EXTRA_CA_CERTS is trusted, without it not", async () => {
    const url = `${secure.origin}/{hex}`;
    expect(await fetchOnce(url, { NODE_EXTRA_CA_CERTS: certificate })).toEqual({ bytes: 50_000 });
    expect(await fetchOnce(url, {})).toEqual({
      error: expect.stringMatching(
        /certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS/,
      ),
    });
  });

  test("goes through the tunnel of HTTPS_PROXY", async () => {
    const environment = { NODE_EXTRA_CA_CERTS: certificate, HTTPS_PROXY: proxyUrl };
    const url = `https://localhost:${secure.port}/{hex}`;
    expect(await fetchOnce(url, environment)).toEqual({ bytes: 50_000 });
    expect(proxied).toEqual([`CONNECT localhost:${secure.port}`]);
  });

  test("redirects to plain http are refused", async () => {
    await using down = await listenOn(
      createTlsServer({ cert: await readFile(certificate), key: await readFile(key) }),
      (_, response) => void response.writeHead(302, { location: plain.origin }).end(),
      "127.0.0.1",
      "https",
    );
    const outcome = await fetchOnce(`${down.origin}/{hex}`, { NODE_EXTRA_CA_CERTS: certificate });
    expect(outcome).toEqual({ error: expect.stringMatching(/which is not encrypted/) });
    expect(plain.seen).toEqual([]);
  });
});

describe("a proxy", () => {
  const make = (environment: NodeJS.ProcessEnv) =>
    httpSource({ url: `${plain.origin}/{hex}`, environment });

  test("of HTTP_PROXY, in either case, forwards plain requests", async () => {
    for (const name of ["HTTP_PROXY", "http_proxy"]) {
      await using source = make({ [name]: proxyUrl });
      expect(await (await source.open(blob.digest))?.bytes()).toHaveLength(50_000);
    }
    const line = `GET ${plain.origin}/${blob.digest.slice(7)}`;
    expect(proxied).toEqual([line, line]);
  });

  test("is left out for the hosts of NO_PROXY, and where none is named", async () => {
    for (const environment of [{ HTTP_PROXY: proxyUrl, NO_PROXY: "127.0.0.1" }, {}]) {
      await using source = make(environment);
      expect(await (await source.open(blob.digest))?.bytes()).toHaveLength(50_000);
    }
    expect(proxied).toEqual([]);
  });

  test("that wants credentials is told apart from the API", async () => {
    proxyStatus = 407;
    await using source = make({ HTTP_PROXY: proxyUrl });
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      detail: expect.stringContaining("the proxy wants credentials"),
    });
  });

  test("that refuses the tunnel is UNAVAILABLE", async () => {
    proxyStatus = 403;
    const url = `${secure.origin}/{hex}`;
    await using source = httpSource({ url, environment: { HTTPS_PROXY: proxyUrl } });
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      detail: "the proxy answered 403",
    });
  });

  test("that is not there is UNAVAILABLE", async () => {
    proxy.closeAllConnections();
    proxy.close();
    for (const url of [`${secure.origin}/{hex}`, `${plain.origin}/{hex}`]) {
      await using source = httpSource({ url, environment: { HTTP_PROXY: proxyUrl } });
      await expect(source.open(blob.digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
  });
});
