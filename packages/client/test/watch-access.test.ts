import {
  bucketStore,
  composite,
  defineTier,
  digestOf,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { createServer, mintToken, openAccess, parseAccess } from "@bitstore/server";
import { durableTargets, tagLog } from "@bitstore/tags";
import { expect, test } from "vitest";
import { bitstoreClient } from "../src/index.ts";

test("a watch whose token is withdrawn comes back and is told; one that is known goes on", async () => {
  // New rules end both watches at the server; the entry that is written then reaches one of them.
  const source = bucketStore(memoryBucket(), shardedLayout(""), { name: "memory:" });
  const store = composite({ tiers: [defineTier({ name: "ours", source, origin: true })] });
  const tags = tagLog(memoryBucket(), {
    checkTarget: durableTargets(store),
    limits: { pollMs: 10 },
  });
  const kept = mintToken();
  const withdrawn = mintToken();
  const rules = (known: object): ReturnType<typeof openAccess> => {
    const tokens = Object.entries(known).map(([name, hash]) => ({ name, hash, scopes: ["read"] }));
    const config = parseAccess({ auth: { tokens } }, "127.0.0.1");
    return openAccess(config, { host: "127.0.0.1", secrets: [] });
  };
  const server = createServer({
    open: (namespace) =>
      Promise.resolve({ namespace, store, tags, [Symbol.asyncDispose]: () => Promise.resolve() }),
    access: rules({ kept: kept.hash, withdrawn: withdrawn.hash }),
  });
  const { url } = await server.listen();
  try {
    const [one, other] = [kept, withdrawn].map(({ token }) =>
      bitstoreClient({ url, token, environment: {} }),
    );
    if (one === undefined || other === undefined) throw new Error("there are two");
    await using first = one;
    await using second = other;
    const digest = await digestOf(Buffer.from("x"), "sha256");
    await store.put(Buffer.from("x"), { digest });
    await tags.append("w", digest, { actor: "test" });
    const watches = [first, second].map(({ tags: asked }) =>
      asked.watch("w", { since: 0 })[Symbol.asyncIterator](),
    );
    for (const each of watches) expect((await each.next()).value).toMatchObject({ seq: 1 });
    server.setAccess(rules({ kept: kept.hash }));
    await expect(watches[1]?.next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await tags.append("w", digest, { actor: "test" });
    expect((await watches[0]?.next())?.value).toMatchObject({ seq: 2 });
    await watches[0]?.return?.(undefined);
  } finally {
    await server.close({ drainMs: 0 });
    await store[Symbol.asyncDispose]();
  }
});
