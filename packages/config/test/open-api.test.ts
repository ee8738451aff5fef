import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type BlobStore, digestOf } from "@bitstore/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import { openTiers } from "../src/open/open-tiers.ts";
import { folderWith } from "./folder.ts";
import { textOf } from "./text-of.ts";

const text = "the bytes of a blob";
const bytes = new TextEncoder().encode(text);

/** Starts an API that answers as it is told; resolves to its address. */
async function api(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens the one tier of a file, with the pauses between attempts cut to nothing. */
async function openOnly(
  tier: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<BlobStore> {
  const cwd = await folderWith({ ...files, "b.yaml": `tiers:\n  - ${tier}\n` });
  const config = await loadConfig({ cwd, env, file: join(cwd, "b.yaml") });
  const opened = await openTiers(config, { env, random: () => 0 });
  onTestFinished(async () => await opened[Symbol.asyncDispose]());
  const [only] = opened.tiers;
  if (only === undefined) throw new Error("there is no tier");
  return only.source;
}

describe("an HTTP API as a tier", () => {
  it("is asked with headers from references, and again after a failure that passes", async () => {
    const seen: string[] = [];
    const address = await api((request, response) => {
      seen.push(
        `${request.url} ${request.headers.authorization} ${String(request.headers["x-team"])}`,
      );
      if (seen.length === 1) response.writeHead(503).end();
      else response.end(bytes);
    });
    const digest = await digestOf(bytes, "sha1");
    const store = await openOnly(
      `{ url: "${address}/b/{hex}?v={algorithm}", algorithm: sha1, headers: { authorization: "Bearer file:token", x-team: env:TEAM } }`,
      { token: "t0ken\n" },
      { TEAM: "blue" },
    );
    expect(await textOf(await store.open(digest))).toBe(text);
    const line = `/b/${digest.slice("sha1:".length)}?v=sha1 Bearer t0ken blue`;
    expect(seen).toEqual([line, line]);
  });

  it("is given up where it says nothing for as long as timeoutMs", async () => {
    let asked = 0;
    const address = await api(() => {
      asked += 1;
    });
    const store = await openOnly(`{ url: "${address}/{hex}", timeoutMs: 100 }`);
    const digest = await digestOf(bytes, "sha256");
    await expect(store.open(digest)).rejects.toMatchObject({
      code: "TIMEOUT",
      persistence: "exhausted",
    });
    expect(asked).toBe(4);
  });

  it("can't be written unless put is said", async () => {
    const put: string[] = [];
    const address = await api((request, response) => {
      if (request.method === "PUT") put.push(request.url ?? "");
      request
        .resume()
        .on("end", () => response.writeHead(request.method === "PUT" ? 201 : 404).end());
    });
    const readOnly = await openOnly(`{ url: "${address}/{hex}" }`);
    await expect(readOnly.put(bytes)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const writable = await openOnly(`{ url: "${address}/{hex}", put: true }`);
    const { digest } = await writable.put(bytes);
    expect(put).toEqual([`/${digest.slice("sha256:".length)}`]);
  });
});
