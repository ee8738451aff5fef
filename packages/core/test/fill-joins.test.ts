import { collect, composite, defineTier, memoryCache, type BlobStore } from "@bitstore/core";
import { expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// A blob that has come from the origin and is on its way into a cache is in neither for those who ask
// the tiers: whoever comes then gets it from the fill, and the origin is not asked again.
test.each([
  ["verified before its first byte", 4096],
  ["handed out as it comes", 9 * 2 ** 20],
] as const)("a read during the fill of a blob %s does not go to the origin", async (_, size) => {
  const go = Promise.withResolvers<void>();
  const cache = memoryCache({ bytesMax: 2 ** 27 });
  const slow: BlobStore = {
    ...cache,
    async put(body, call) {
      const bytes = body instanceof Uint8Array ? body : await collect(body(), 2 ** 24);
      await go.promise;
      return await cache.put(bytes, call);
    },
  };
  const origin = scriptedStore("origin");
  const bytes = someBytes(size);
  const digest = await plant(bytes, origin);
  const store = composite({
    tiers: [
      defineTier({ name: "cache", source: slow, role: "cache" }),
      defineTier({ name: "origin", source: origin }),
    ],
  });
  const read = async (): Promise<Uint8Array | undefined> => (await store.open(digest))?.bytes();
  for (let turn = 0; turn < 3; turn += 1) {
    expect(Buffer.compare((await read()) ?? new Uint8Array(), bytes)).toBe(0);
  }
  expect(origin.opens).toBe(1);
  go.resolve();
  await store.drain();
  const attempts: string[] = [];
  await (await store.open(digest, { onAttempt: ({ tier }) => void attempts.push(tier) }))?.bytes();
  expect(attempts).toEqual(["cache"]);
  await store[Symbol.asyncDispose]();
});
