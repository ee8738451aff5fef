import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// A real proxy stands between: the usual environment variables must send everything through it,
// TLS in a tunnel among it, and a certificate of one's own authority is taken if Node was told so.

const fixture = (name: string): string => new URL(`fixtures/${name}`, import.meta.url).pathname;

const sockets = new Set<Socket>();
const servers: Server[] = [];
/** Request lines that the proxy got. */
const proxied: string[] = [];
let proxyUrl = "";
let plainUrl = "";
let secureUrl = "";

async function listen(server: http.Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

const service: http.RequestListener = (_, response) => {
  response.writeHead(200, { "content-length": 3, "x-goog-generation": "1" });
  response.end("abc");
};

function proxy(): http.Server {
  const server = http.createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`);
    const onward = http.request(
      request.url ?? "",
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  server.on("connect", (request, socket: Socket) => {
    proxied.push(`${request.method} ${request.url}`);
    // The name is one that only the proxy can resolve.
    const port = Number((request.url ?? "").split(":")[1]);
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  return server;
}

beforeAll(async () => {
  const key = await readFile(fixture("localhost-key.pem"));
  const cert = await readFile(fixture("localhost-cert.pem"));
  proxyUrl = `http://127.0.0.1:${await listen(proxy())}`;
  plainUrl = `http://127.0.0.1:${await listen(http.createServer(service))}`;
  const secure = https.createServer({ key, cert }, service);
  secureUrl = `https://storage.test:${await listen(secure)}`;
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
});

async function readInProcess(environment: Record<string, string>): Promise<string> {
  const script = new URL("read-through-proxy.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@bitstore/source", script, secureUrl],
    { env: { PATH: process.env["PATH"] ?? "", ...environment } },
  );
  return stdout;
}

describe("proxies", () => {
  test("HTTP_PROXY is gone through, and NO_PROXY is not", async () => {
    proxied.length = 0;
    for (const NO_PROXY of ["", "127.0.0.1"]) {
      const environment = { HTTP_PROXY: proxyUrl, NO_PROXY };
      await using bucket = gcsBucket({ bucket: "proxied", endpoint: plainUrl, environment });
      const content = await bucket.read("key");
      expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe("abc");
    }
    expect(proxied).toEqual([`GET ${plainUrl}/storage/v1/b/proxied/o/key?alt=media`]);
  });

  test("HTTPS_PROXY is tunnelled through, once, with an authority of one's own", async () => {
    proxied.length = 0;
    const read = await readInProcess({
      HTTPS_PROXY: proxyUrl,
      NODE_EXTRA_CA_CERTS: fixture("localhost-cert.pem"),
    });
    expect(read).toBe("abcabcabc");
    expect(proxied, "the tunnel is kept").toEqual([`CONNECT ${secureUrl.slice(8)}`]);
  });

  test("an authority that is not known says what to set", async () => {
    const read = await readInProcess({ HTTPS_PROXY: proxyUrl });
    expect(read).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("a proxy that is not there is UNAVAILABLE", async () => {
    const environment = { HTTP_PROXY: "http://127.0.0.1:1" };
    await using bucket = gcsBucket({ bucket: "proxied", endpoint: plainUrl, environment });
    await expect(bucket.read("key")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
