import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bucketStore,
  composite,
  defineTier,
  digestOf,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { createServer } from "@bitstore/server";
import { tagLog, trustTargets } from "@bitstore/tags";
import { afterAll, expect, test } from "vitest";
import { openBrowser } from "../../../test/services/open-browser.ts";
import { bundleForBrowsers } from "./bundle-for-browsers.ts";

// The client in a real browser, as a page of the server that it asks: what is put there is stored, what
// is read is the same, a tag moves and is watched, and an absent blob is undefined.

const browser = await openBrowser(process.env);
afterAll(() => browser?.close());

/** Runs in the page. */
const script = `(async () => {
  const client = globalThis.openClient();
  const bytes = new TextEncoder().encode("from a browser ".repeat(10_000));
  const { digest, size } = await client.store.put(bytes, { algorithm: "sha256" });
  const content = await client.store.open(digest);
  const back = await content.bytes();
  const part = await client.store.open(digest, { range: { start: 5, end: 14 } });
  const text = new TextDecoder().decode(await part.bytes());
  const absent = await client.store.stat("sha256:" + "0".repeat(64));
  await client.tags.append("from/browser", digest, { expect: "absent" });
  const stop = new AbortController();
  const seen = [];
  for await (const { seq } of client.tags.watch("from/browser", { since: 0, signal: stop.signal })) {
    seen.push(seq);
    if (seq === 1) await client.tags.append("from/browser", digest, { expect: 1 });
    else break;
  }
  stop.abort();
  const same = back.length === bytes.length && back.every((each, at) => each === bytes[at]);
  return { digest, size, same, text, absent: absent === undefined, seen };
})()`;

test.skipIf(browser === undefined)(
  "the client works in Chromium",
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "bitstore-browser-"));
    const { code } = await bundleForBrowsers();
    await writeFile(join(folder, "client.js"), code);
    const opens = `import { bitstoreClient } from "./client.js";
globalThis.openClient = () => bitstoreClient({ url: location.origin });`;
    await writeFile(join(folder, "page.js"), opens);
    const page = `<!doctype html><title>t</title><script type="module" src="./page.js"></script>`;
    await writeFile(join(folder, "index.html"), page);
    const origin = bucketStore(memoryBucket(), shardedLayout(""));
    const store = composite({
      tiers: [defineTier({ name: "ours", source: origin, origin: true })],
    });
    const tags = tagLog(memoryBucket(), { checkTarget: trustTargets });
    const server = createServer({
      open: (namespace) =>
        Promise.resolve({
          namespace,
          store,
          tags,
          [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
        }),
      pageFolder: folder,
    });
    try {
      const { url } = await server.listen({ port: 0 });
      const visit = await browser?.newPage();
      await visit?.goto(`${url}/`);
      await visit?.waitForFunction("globalThis.openClient !== undefined");
      const text = "from a browser ".repeat(10_000);
      const digest = await digestOf(new TextEncoder().encode(text), "sha256");
      expect(await visit?.evaluate(script)).toEqual({
        digest,
        size: text.length,
        same: true,
        text: "a browser",
        absent: true,
        seen: [1, 2],
      });
      expect(await store.durable(digest)).toEqual({ digest, size: text.length });
    } finally {
      await server.close({ drainMs: 1000 });
      await rm(folder, { recursive: true });
    }
  },
);
