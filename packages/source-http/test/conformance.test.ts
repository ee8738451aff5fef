import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { hexOf } from "@bitstore/core";
import {
  type BlobSourceHarness,
  describeBlobSource,
  describeBlobStore,
  type SeededBlob,
} from "@bitstore/conformance";
import { apiSource, httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { startServer, type TestServer } from "./test-server.ts";

// The suites of core's contracts: over an API that knows HEAD, ranges, versions and PUT, over one
// that can only GET, and over a client of a user's own. Each namespace is a folder of one server.

interface Api {
  readonly server: TestServer;
  readonly objects: Map<string, Uint8Array>;
}

/** Starts an API that keeps what is PUT, as RFC 9110 says, with the digest as the entity tag. */
async function startApi(): Promise<Api> {
  const objects = new Map<string, Uint8Array>();
  const server = await startServer(async (request, response) => {
    const url = request.url ?? "";
    if (request.method === "PUT") {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const isTaken = objects.has(url) && request.headers["if-none-match"] === "*";
      if (!isTaken) objects.set(url, Buffer.concat(chunks));
      response.writeHead(isTaken ? 412 : 201).end();
      return;
    }
    const found = objects.get(url);
    if (found === undefined) {
      response.writeHead(404).end("nothing here");
      return;
    }
    const etag = `"${url.slice(-40)}"`;
    response.setHeader("etag", etag).setHeader("accept-ranges", "bytes");
    if (![undefined, etag].includes(request.headers["if-match"])) {
      response.writeHead(412).end();
      return;
    }
    const size = found.byteLength;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = range === null || range[2] === "" ? size : Math.min(Number(range[2]) + 1, size);
    if (range !== null && start >= size) {
      response.writeHead(416, { "content-range": `bytes */${size}` }).end();
      return;
    }
    if (range !== null) response.setHeader("content-range", `bytes ${start}-${end - 1}/${size}`);
    response.writeHead(range === null ? 200 : 206, { "content-length": end - start });
    response.end(request.method === "HEAD" ? undefined : found.subarray(start, end));
  });
  return { server, objects };
}

/** A port on which nobody listens: it was just given back. */
async function deadPort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, "close");
  return port;
}

function httpHarness(options: Partial<HttpSourceOptions>) {
  let api: Promise<Api> | undefined;
  const started = (): Promise<Api> => (api ??= startApi());
  let namespaces = 0;
  const open = async (namespace: number) => {
    const { server } = await started();
    const url = `${server.origin}/${namespace}/{algorithm}/{hex}`;
    return httpSource({ url, ...options });
  };
  const harness = {
    open: () => open((namespaces += 1)),
    reopen: () => open(1),
    async openUnreachable() {
      const url = `http://127.0.0.1:${await deadPort()}/{digest}`;
      return httpSource({ url, ...options });
    },
    dispose: async () => (await started()).server[Symbol.asyncDispose](),
  };
  const seed = async (blobs: readonly SeededBlob[]): Promise<void> => {
    const { objects } = await started();
    for (const { digest, bytes } of blobs) {
      const [algorithm = ""] = digest.split(":", 1);
      objects.set(`/1/${algorithm}/${hexOf(digest)}`, bytes);
    }
  };
  return { harness, seed };
}

/** Spools and queues of this package are at these sizes. */
const sizesAround = [256 * 1024];

const store = httpHarness({ put: true, rangeRead: true }).harness;
describeBlobStore("httpSource, an API that can all that HTTP can", { ...store, sizesAround });

const reader = httpHarness({ head: false });
describeBlobSource("httpSource, an API that can only GET", {
  ...reader.harness,
  seed: reader.seed,
  sizesAround,
});

function clientHarness(): BlobSourceHarness {
  const namespaces = new Map<number, Map<string, Uint8Array>>();
  let opened = 0;
  const open = (namespace: number) => {
    const blobs = namespaces.get(namespace) ?? new Map<string, Uint8Array>();
    namespaces.set(namespace, blobs);
    return Promise.resolve(
      apiSource("client", async (digest) => {
        const bytes = blobs.get(digest);
        return bytes === undefined ? undefined : new Response(Buffer.from(bytes)).body;
      }),
    );
  };
  return {
    open: () => open((opened += 1)),
    reopen: () => open(1),
    seed: (blobs) => {
      for (const { digest, bytes } of blobs) namespaces.get(1)?.set(digest, bytes);
      return Promise.resolve();
    },
    openUnreachable: () =>
      Promise.resolve(
        apiSource("client", () => {
          throw new Error("the network is down");
        }),
      ),
    dispose: () => Promise.resolve(),
    sizesAround,
  };
}

describeBlobSource("apiSource", clientHarness());
