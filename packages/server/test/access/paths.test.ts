import {
  bucketStore,
  type BlobStore,
  composite,
  defineTier,
  memoryBucket,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { hidePaths } from "../../src/wire/hide-paths.ts";
import { startServer } from "./live-server.ts";

// Where directories lie on the server's machine is for `admin` alone: each answer that could say it is
// asked for by a caller who has that scope and by one who has not.

const directory = "file:///srv/secret%20place/team/blobs/";
const none = `sha256:${"0".repeat(64)}`;

test("directories are shown to admin alone, and to others by their last name", async () => {
  const inner = bucketStore(memoryBucket(), shardedLayout(""), { name: directory });
  const failing = (operation: string): Promise<never> => {
    const message = `permission denied, open '/srv/secret place/x' (${directory})`;
    const code = "UNAVAILABLE";
    return Promise.reject(new StoreError({ code, operation, source: directory, message }));
  };
  const source: BlobStore = {
    ...inner,
    open: () => failing("open"),
    stat: () => failing("stat"),
  };
  const store = composite({ tiers: [defineTier({ name: "main", source, origin: true })] });
  await using server = await startServer(
    [
      { name: "ops", scopes: ["read", "admin"] },
      { name: "reader", scopes: ["read"] },
    ],
    {
      open: (namespace) =>
        Promise.resolve({
          namespace,
          store,
          tags: undefined,
          [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
        }),
    },
  );
  const ask = async (path: string, name: string, body?: string): Promise<string> => {
    const headers = {
      authorization: `Bearer ${server.tokens.get(name)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const method = body === undefined ? "GET" : "POST";
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    return await (await fetch(`${server.url}${path}`, init)).text();
  };
  const list = JSON.stringify([none]);
  const asked: [string, string?][] = [
    [`/v1/blobs/${none}`],
    [`/v1/explain/${none}`],
    ["/v1/tiers"],
    ["/v1/blobs/missing", list],
    ["/v1/blobs/fetch", list],
  ];
  for (const [path, body] of asked) {
    expect([path, await ask(path, "ops", body)]).toEqual([
      path,
      expect.stringContaining(directory),
    ]);
    const told = await ask(path, "reader", body);
    expect([path, told]).toEqual([path, expect.not.stringMatching(/srv|secret/)]);
    expect([path, told]).toEqual([path, expect.stringContaining("file:…/blobs")]);
  }
});

test.each([
  ["open x: file:///srv/a/blobs/: it is down", "open x: file:…/blobs: it is down"],
  ["file:///srv/blobs/", "file:…/blobs"],
  ["(file:///srv/blobs/, cache:/var/cache/near)", "(file:…/blobs, cache:…/near)"],
  ["ENOENT, open '/srv/a/b'", "ENOENT, open '…/b'"],
  ["ENOENT, open '/srv/my own/b'", "ENOENT, open '…/b'"],
  ["s3://bucket/prefix/: it is down", "s3://bucket/prefix/: it is down"],
  ["https://example.com/a/b", "https://example.com/a/b"],
  ["the route /v1/tags/models%2Fprod", "the route /v1/tags/models%2Fprod"],
])("%s", (text, shown) => {
  expect(hidePaths(text)).toBe(shown);
});
