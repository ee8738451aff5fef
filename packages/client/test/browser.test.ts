import { join } from "node:path";
import { digestOf } from "@bitstore/core";
import { build } from "vite";
import { expect, test } from "vitest";
import type * as Browser from "../src/browser.ts";
import { bodyOf, rudeServer, sendJson } from "./rude-server.ts";

// The client is bundled for browsers as an application would, from the sources. No module of Node may
// be left in what a browser gets, nor one of undici's; what is left runs here, where `fetch` is too.

const root = join(import.meta.dirname, "..");

/** An application of one line, which takes the package by its name. */
const entry = "virtual:application";

test("the bundle for browsers has nothing of Node in it, and works", async () => {
  const asked: string[] = [];
  const built = await build({
    root,
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["browser", "@bitstore/source", "import", "default"] },
    plugins: [
      {
        name: "notes-modules",
        enforce: "pre",
        resolveId(id) {
          asked.push(id);
          return id.endsWith(entry) ? entry : undefined;
        },
        load: (id) => (id === entry ? 'export * from "@bitstore/client";' : undefined),
      },
    ],
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ["es"], fileName: "bundle" },
    },
  });
  expect(asked).toContain("@bitstore/core");
  const [output] = Array.isArray(built) ? built : [built];
  const chunks = output !== undefined && "output" in output ? output.output : [];
  const code = chunks.map((chunk) => ("code" in chunk ? chunk.code : "")).join("\n");
  expect(code).toContain("/v1/blobs");
  expect(code).not.toMatch(/node:|__vite-browser-external|undici|\bprocess\b|\bBuffer\b/);
  expect(code).not.toMatch(/^import /m);
  expect(Buffer.byteLength(code)).toBeLessThan(100 * 1024);

  const bytes = Buffer.alloc(100_000, "browser");
  const digest = await digestOf(bytes, "sha256");
  await using server = await rudeServer(async (request, response) => {
    if (request.method === "PUT") {
      const { byteLength } = await bodyOf(request);
      return sendJson(response, 201, { digest, size: byteLength });
    }
    response.writeHead(200, { etag: `"${digest}"`, "content-length": bytes.byteLength });
    if (server.seen.length === 2) return void response.end(bytes);
    response.write(bytes.subarray(0, 5000), () => response.destroy());
  });
  const bundle: unknown = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const { bitstoreClient } = bundle as typeof Browser;
  await using client = bitstoreClient({ url: server.url, token: "t" });
  async function* body(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 60_000);
    yield bytes.subarray(60_000);
  }
  const put = await client.store.put(body, { digest, size: bytes.byteLength });
  expect(put).toEqual({ digest, size: bytes.byteLength, outcome: "created" });
  const content = await client.store.open(digest);
  expect(Buffer.compare((await content?.bytes()) ?? Buffer.of(), bytes)).toBe(0);
  const broken = await client.store.open(digest);
  await expect(broken?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
