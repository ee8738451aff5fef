import { consoleFolder } from "@bitstore/console";
import {
  type BlobStore,
  bucketStore,
  type Composite,
  composite,
  defineTier,
  memoryBucket,
  shardedLayout,
  StoreError,
  type TagLog,
} from "@bitstore/core";
import { createServer, parseAccess, openAccess } from "@bitstore/server";
import { durableTargets, tagLog } from "@bitstore/tags";

/** A server with the console, over tiers in memory. */
export interface ServedConsole extends AsyncDisposable {
  readonly url: string;
  readonly store: Composite;
  readonly tags: TagLog;
  /** Lets the source behind the cache fail, or answer again. */
  setSourceDown(isDown: boolean): void;
}

/** Serves the console; with a token's hash, only to who has the token, and for tags under prefixes. */
export async function serveConsole(
  tokenHash?: string,
  tagPrefixes?: readonly string[],
): Promise<ServedConsole> {
  let isDown = false;
  const memory = (name: string): BlobStore =>
    bucketStore(memoryBucket(name), shardedLayout(""), { name });
  const source = memory("memory:source");
  const failing: BlobStore = {
    ...source,
    open: (digest, options) => {
      if (!isDown) return source.open(digest, options);
      const message = "the service is away";
      throw new StoreError({ code: "UNAVAILABLE", operation: "open", message });
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
  const store = composite({
    tiers: [
      defineTier({ name: "cache", source: memory("memory:cache"), role: "cache" }),
      defineTier({ name: "partner", source: failing, fill: ["cache"] }),
      defineTier({ name: "ours", source: memory("memory:ours"), origin: true, fill: ["cache"] }),
    ],
  });
  const tags = tagLog(memoryBucket(), { checkTarget: durableTargets(store), actor: "ada" });
  const auth = {
    tokens: [{ name: "ci", hash: tokenHash, scopes: ["read", "write", "tag"], tagPrefixes }],
  };
  const host = "127.0.0.1";
  const access =
    tokenHash === undefined
      ? undefined
      : openAccess(parseAccess({ host, auth }, host), { host, secrets: [] });
  const server = createServer({
    access,
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
    pageFolder: consoleFolder,
  });
  const { url } = await server.listen({ host, port: 0 });
  return {
    url,
    store,
    tags,
    setSourceDown(next) {
      isDown = next;
    },
    [Symbol.asyncDispose]: () => server.close({ drainMs: 1000 }),
  };
}
