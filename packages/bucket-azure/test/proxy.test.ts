import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http, { type IncomingMessage, type Server } from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectionAgent } from "../src/connection-agent.ts";
import { proxyEnvironment } from "../src/proxy-environment.ts";

// Proxies and private authorities by the usual variables, in a child process with nothing but its
// environment: a proxy lets it reach `acme.blob.core.windows.net`, which is a server of the test
// with a certificate that only NODE_EXTRA_CA_CERTS vouches for.

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const child = fileURLToPath(new URL("proxy-child.ts", import.meta.url));
const run = promisify(execFile);

/** What the service of the test was asked, and what went through the proxy. */
const seen = {
  requests: [] as IncomingMessage[],
  tunnels: [] as string[],
  forwarded: [] as string[],
};
let service: Server;
let proxy: Server;

function answer(request: IncomingMessage, response: http.ServerResponse): void {
  seen.requests.push(request);
  request.resume();
  if (request.method === "PUT") response.writeHead(201, { etag: '"0x1"', "content-length": 0 });
  else response.writeHead(200, { etag: '"0x1"', "content-length": 5 });
  response.end(request.method === "PUT" ? undefined : "hello");
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Runs the child with this environment only; resolves to what it printed. */
async function inChild(
  environment: Record<string, string>,
  endpoint = "",
  ...more: string[]
): Promise<unknown> {
  const flags = ["--conditions=@bitstore/source", "--disable-warning=ExperimentalWarning"];
  const { stdout } = await run(process.execPath, [...flags, child, endpoint, ...more], {
    env: environment,
  });
  return JSON.parse(stdout);
}

const well = { outcome: "created", reads: ["hello", "hello", "hello"] };
const trusting = { NODE_EXTRA_CA_CERTS: fixture("server-cert.pem") };

beforeAll(async () => {
  const key = readFileSync(fixture("server-key.pem"));
  const cert = readFileSync(fixture("server-cert.pem"));
  service = await listening(https.createServer({ key, cert }, answer));
  proxy = http.createServer((request, response) => {
    seen.forwarded.push(request.url ?? "");
    answer(request, response);
  });
  // Whatever host is asked for, the tunnel ends at the service of the test.
  proxy.on("connect", (request, socket) => {
    seen.tunnels.push(request.url ?? "");
    const upstream = net.connect(portOf(service), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on("error", () => upstream.destroy());
  });
  await listening(proxy);
});

beforeEach(() => {
  seen.requests = [];
  seen.tunnels = [];
  seen.forwarded = [];
});

afterAll(() => {
  for (const server of [service, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});

describe("the environment", () => {
  it("names the proxy to the service, which one connection goes through", async () => {
    const HTTPS_PROXY = `http://127.0.0.1:${portOf(proxy)}`;
    expect(await inChild({ ...trusting, HTTPS_PROXY })).toEqual(well);
    expect(seen.tunnels).toEqual(["acme.blob.core.windows.net:443"]);
    expect(seen.requests).toHaveLength(4);
  });

  it("names a proxy for http too", async () => {
    const http_proxy = `http://127.0.0.1:${portOf(proxy)}`;
    expect(await inChild({ http_proxy }, "http://blobs.example.com/acme")).toEqual(well);
    expect(seen.forwarded).toHaveLength(4);
    expect(seen.forwarded[0]).toMatch(/^http:\/\/blobs\.example\.com\/acme\/box\/blob/);
  });

  it("names hosts that no proxy is used for", async () => {
    const endpoint = `https://localhost:${portOf(service)}/acme`;
    const environment = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "localhost" };
    expect(await inChild({ ...trusting, ...environment }, endpoint)).toEqual(well);
    expect(seen.tunnels).toEqual([]);
  });

  it("names the authorities to trust, without which it says so", async () => {
    const endpoint = `https://127.0.0.1:${portOf(service)}/acme`;
    expect(await inChild(trusting, endpoint)).toEqual(well);
    const failed = await inChild({}, endpoint);
    expect(failed).toMatchObject({ code: "UNAVAILABLE" });
    expect(failed).toMatchObject({ message: expect.stringContaining("NODE_EXTRA_CA_CERTS") });
  });

  it("is told where a proxy does not answer", async () => {
    const failed = await inChild({ ...trusting, HTTPS_PROXY: "http://127.0.0.1:1" });
    expect(failed).toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("a customer-provided key", () => {
  it("goes with every request, over https", async () => {
    const key = Buffer.alloc(32, 7);
    const endpoint = `https://127.0.0.1:${portOf(service)}/acme`;
    expect(await inChild(trusting, endpoint, key.toString("base64"))).toEqual(well);
    expect(seen.requests).toHaveLength(4);
    for (const { headers } of seen.requests) {
      expect(headers).toMatchObject({
        "x-ms-encryption-key": key.toString("base64"),
        "x-ms-encryption-key-sha256": createHash("sha256").update(key).digest("base64"),
        "x-ms-encryption-algorithm": "AES256",
      });
    }
  });
});

describe("a token", () => {
  it("goes over https, and is fetched anew when it expires", async () => {
    const endpoint = `https://127.0.0.1:${portOf(service)}/acme`;
    expect(await inChild(trusting, endpoint, "", "token")).toEqual(well);
    const sent = seen.requests.map(({ headers }) => headers.authorization);
    expect(sent).toHaveLength(4);
    expect(new Set(sent).size).toBe(4);
    for (const one of sent) expect(one).toMatch(/^Bearer token-\d+$/);
  });
});

describe("agents", () => {
  const endpoint = new URL("https://acme.blob.core.windows.net");
  const environment = { ALL_PROXY: "http://proxy:1", no_proxy: "localhost" };

  it("are left to the SDK where Node's own can't do proxies", () => {
    const has = (version: string, variables: Record<string, string>): boolean =>
      connectionAgent(endpoint, 5, variables, version) !== undefined;
    for (const version of ["22.19.0", "22.20.9", "23.11.0", "24.4.1"]) {
      expect(has(version, environment), version).toBe(false);
      expect(has(version, { NO_PROXY: "*" }), version).toBe(true);
    }
    for (const version of ["22.21.0", "24.5.0", "24.21.0", "25.0.0", "26.1.0"]) {
      expect(has(version, environment), version).toBe(true);
    }
  });

  it("take lower case before upper case, and ALL_PROXY last", () => {
    expect(proxyEnvironment({})).toBeUndefined();
    expect(proxyEnvironment({ HTTPS_PROXY: "", NO_PROXY: "x" })).toBeUndefined();
    expect(proxyEnvironment({ ...environment, HTTPS_PROXY: "b", https_proxy: "a" })).toEqual({
      HTTP_PROXY: "http://proxy:1",
      HTTPS_PROXY: "a",
      NO_PROXY: "localhost",
    });
  });
});
