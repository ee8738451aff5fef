import { bitstoreClient } from "@bitstore/client";
import {
  bucketStore,
  composite,
  defineTier,
  digestOf,
  memoryBucket,
  memoryCache,
  shardedLayout,
} from "@bitstore/core";
import { createServer } from "@bitstore/server";
import { expect, it } from "vitest";

// A blob that only the server's cache still has is there for a reader, and durable for nobody: the
// question goes through the client, and through a composite whose origin the client is, to the origin
// of the server.

const bytes = new TextEncoder().encode("only in the cache");

it("asks the server's origin whether a blob is durable", async () => {
  const cache = memoryCache({ bytesMax: 2 ** 20 });
  const origin = bucketStore(memoryBucket(), shardedLayout(""));
  const store = composite({
    tiers: [
      defineTier({ name: "cache", source: cache, role: "cache" }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
  });
  const server = createServer({
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags: undefined,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
  });
  const { url } = await server.listen({ port: 0 });
  try {
    const digest = await digestOf(bytes, "sha256");
    await cache.put(bytes, { digest });
    await using client = bitstoreClient({ url });
    const outer = composite({
      tiers: [defineTier({ name: "remote", source: client.store, origin: true })],
    });
    expect(await client.store.stat(digest)).toEqual({ digest, size: bytes.byteLength });
    expect(await client.store.stat(digest, { durable: true })).toBeUndefined();
    expect(await outer.durable(digest)).toBeUndefined();
    await origin.put(bytes, { digest });
    expect(await outer.durable(digest)).toEqual({ digest, size: bytes.byteLength });
  } finally {
    await server.close({ drainMs: 1000 });
  }
});
