import { readFileSync } from "node:fs";
import { createServer as createHttp, request as httpRequest } from "node:http";
import { createServer as createHttps, type Server } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { proxiesAreSupported } from "../src/agents.ts";
import { s3Bucket, type S3BucketOptions } from "../src/index.ts";
import { expectCode } from "./expect-code.ts";
import { answerObject, scriptedServer } from "./scripted-server.ts";

// The ways to a service: through proxies that the environment names, and over TLS with an authority
// of one's own. The proxies and the TLS server are real ones, on this machine.

const bytes = new Uint8Array(1000).fill(5);
const fixture = (name: string): string => new URL(`fixtures/${name}.pem`, import.meta.url).pathname;
const cleanup: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const each of cleanup.splice(0).toReversed()) await each();
});

function open(options: Partial<S3BucketOptions>): ReturnType<typeof s3Bucket> {
  const bucket = s3Bucket({
    bucket: "b",
    region: "us-east-1",
    credentials: [{ accessKeyId: "id", secretAccessKey: "secret" }],
    ...options,
  });
  cleanup.push(() => Promise.resolve(bucket[Symbol.asyncDispose]()));
  return bucket;
}

interface Proxy {
  readonly url: string;
  /** What was asked of it: `GET http://…` and `CONNECT host:port`. */
  readonly asked: string[];
}

/** A proxy that forwards plain requests and makes tunnels. */
async function startProxy(): Promise<Proxy> {
  const asked: string[] = [];
  const server = createHttp((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    const { headers, method } = request;
    const onwards = httpRequest(request.url ?? "", { method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 500, got.headers);
      got.pipe(answer);
    });
    request.pipe(onwards);
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host, port] = (request.url ?? "").split(":");
    const tunnel = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      tunnel.pipe(socket).pipe(tunnel);
    });
    tunnel.on("error", () => socket.destroy());
    socket.on("error", () => tunnel.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  cleanup.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function startTls(): Promise<string> {
  const options = {
    key: readFileSync(fixture("tls-key")),
    cert: readFileSync(fixture("tls-cert")),
  };
  const server: Server = createHttps(options, (request, answer) => {
    request.resume();
    answerObject(answer, bytes);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  cleanup.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startPlain(): Promise<string> {
  const server = await scriptedServer((_, answer) => answerObject(answer, bytes));
  cleanup.push(() => Promise.resolve(server[Symbol.asyncDispose]()));
  return server.endpoint;
}

describe("proxies", () => {
  for (const variable of ["HTTP_PROXY", "http_proxy"]) {
    test(`${variable} is used for a plain endpoint`, async () => {
      const [proxy, endpoint] = await Promise.all([startProxy(), startPlain()]);
      const bucket = open({ endpoint, environment: { [variable]: proxy.url } });
      expect(await (await bucket.read("key"))?.bytes()).toHaveLength(1000);
      expect(proxy.asked).toEqual([expect.stringMatching(/^GET http:\/\/127.*\/b\/key/)]);
    });
  }

  test("HTTPS_PROXY is used for a TLS endpoint, by one tunnel for many requests", async () => {
    const [proxy, endpoint] = await Promise.all([startProxy(), startTls()]);
    const environment = { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: fixture("tls-ca") };
    const bucket = open({ endpoint, environment });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await (await bucket.read("key"))?.bytes()).toHaveLength(1000);
    }
    expect(proxy.asked).toEqual([expect.stringMatching(/^CONNECT 127\.0\.0\.1:\d+$/)]);
  });

  test("NO_PROXY leaves an endpoint out", async () => {
    const [proxy, endpoint] = await Promise.all([startProxy(), startPlain()]);
    const bucket = open({
      endpoint,
      environment: { HTTP_PROXY: proxy.url, NO_PROXY: "example.com,127.0.0.1" },
    });
    expect((await bucket.head("key"))?.size).toBe(1000);
    expect(proxy.asked).toEqual([]);
  });

  test("a proxy that is down: UNAVAILABLE, with a hint", async () => {
    const endpoint = await startPlain();
    const bucket = open({ endpoint, environment: { HTTP_PROXY: "http://127.0.0.1:1" } });
    const error = await expectCode(bucket.head("key"), "UNAVAILABLE");
    expect(error.detail).toContain("proxy settings");
  });

  test("a proxy that is none is CONFIG_INVALID, and its password is not shown", () => {
    for (const proxy of ["socks5://user:hunter2@proxy:1080", "user:hunter2@proxy:8080"]) {
      const environment = { HTTPS_PROXY: proxy };
      const opening = (): unknown => open({ endpoint: "http://127.0.0.1:9", environment });
      expect(opening).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
      expect(opening).not.toThrow(/hunter2/);
    }
  });

  test("versions of Node whose agents ignore proxies are known", () => {
    const supported = { "22.20.0": false, "22.21.0": true, "23.9.0": false, "24.4.1": false };
    for (const [version, expected] of Object.entries({
      ...supported,
      "24.5.0": true,
      "26.0.0": true,
    })) {
      expect(proxiesAreSupported(version), version).toBe(expected);
    }
  });
});

describe("authorities", () => {
  test("one of one's own is trusted where AWS_CA_BUNDLE names it, and not without", async () => {
    const endpoint = await startTls();
    const trusting = open({ endpoint, environment: { AWS_CA_BUNDLE: fixture("tls-ca") } });
    expect((await trusting.head("key"))?.size).toBe(1000);
    const error = await expectCode(open({ endpoint, environment: {} }).head("key"), "UNAVAILABLE");
    expect(error.detail).toContain("AWS_CA_BUNDLE");
    expect(error.persistence).toBe("permanent");
  });

  test("a bundle that can't be read is CONFIG_INVALID at once", () => {
    const environment = { AWS_CA_BUNDLE: "/nowhere/ca.pem" };
    expect(() => open({ environment })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/nowhere/),
      }),
    );
  });
});
