import { createHash } from "node:crypto";
import {
  type BlobStore,
  composite,
  contentOfStream,
  defineTier,
  type Digest,
  memoryCache,
  parseDigest,
} from "@bitstore/core";
import { createServer, type ServerOptions } from "@bitstore/server";
import type { TlsPair } from "../../src/listen/listener.ts";

/** A server whose only blob has the right length and wrong bytes at its end. */
export interface RottenServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly digest: Digest;
  readonly size: number;
}

export interface RottenServerOptions extends Pick<ServerOptions, "nodeLimits"> {
  /** Whether the tier says the size beforehand, so that the answer has a Content-Length. */
  readonly knowsSize: boolean;
  readonly tls?: TlsPair | undefined;
}

const chunkBytes: number = 2 ** 20;
const size: number = 6 * chunkBytes;
const digest: Digest = parseDigest(
  `sha256:${createHash("sha256").update(Buffer.alloc(size)).digest("hex")}`,
);

/** Opens one, on a free port. */
export async function rottenServer(options: RottenServerOptions): Promise<RottenServer> {
  const { knowsSize, tls, nodeLimits } = options;
  const store = composite({ tiers: [defineTier({ name: "rotten", source: rotten(knowsSize) })] });
  const server = createServer({
    nodeLimits,
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags: undefined,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
  });
  const { url, port } = await server.listen({ tls });
  return {
    url,
    port,
    digest,
    size,
    [Symbol.asyncDispose]: () => server.close({ drainMs: 1000 }),
  };
}

function rotten(knowsSize: boolean): BlobStore {
  return {
    ...memoryCache({ bytesMax: 1, name: "rotten" }),
    stat: () => Promise.resolve(undefined),
    open: () =>
      Promise.resolve(
        contentOfStream(
          { size: knowsSize ? size : undefined, source: "rotten" },
          async function* () {
            for (let at = chunkBytes; at < size; at += chunkBytes) yield Buffer.alloc(chunkBytes);
            yield Buffer.alloc(chunkBytes, 1);
          },
        ),
      ),
  };
}
