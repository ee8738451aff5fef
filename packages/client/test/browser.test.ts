import { digestOf } from "@bitstore/core";
import { expect, test } from "vitest";
import type * as Browser from "../src/browser.ts";
import { bundleForBrowsers } from "./bundle-for-browsers.ts";
import { bodyOf, rudeServer, sendJson } from "./rude-server.ts";

// The client is bundled for browsers as an application would, from the sources. No module of Node may
// be left in what a browser gets, nor one of undici's; what is left runs here, where `fetch` is too.

test("the bundle for browsers has nothing of Node in it, and works", async () => {
  const { asked, code } = await bundleForBrowsers();
  expect(asked).toContain("@bitstore/core");
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
