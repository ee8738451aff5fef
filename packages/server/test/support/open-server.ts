import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type Composite,
  composite,
  type CompositeOptions,
  defineTier,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { createServer, type Server, type ServerOptions } from "@bitstore/server";
import { durableTargets, tagLog } from "@bitstore/tags";

/** A server over a store, listening on a port of its own. Disposing it closes it. */
export interface OpenServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  readonly store: Composite;
}

/** What a test server is made of: an origin in memory unless other tiers are given. */
export interface OpenServerOptions extends Partial<ServerOptions> {
  readonly bucket?: Bucket | undefined;
  /** The origin in place of the bucket's. */
  readonly origin?: BlobStore | undefined;
  readonly tiers?: CompositeOptions["tiers"] | undefined;
  /** Left out: in memory; null: none. */
  readonly metadata?: Bucket | null | undefined;
}

/** Opens one server for a test. */
export async function openServer(options: OpenServerOptions = {}): Promise<OpenServer> {
  const { bucket = memoryBucket("blobs"), metadata = memoryBucket("metadata"), ...rest } = options;
  const origin =
    options.origin ?? bucketStore(bucket, shardedLayout(""), { name: "memory:", restores: false });
  const tiers = options.tiers ?? [defineTier({ name: "ours", source: origin, origin: true })];
  const store = composite({ tiers });
  const tags =
    metadata === null
      ? undefined
      : tagLog(metadata, { checkTarget: durableTargets(store), limits: { pollMs: 20 } });
  const server = createServer({
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
    ...rest,
  });
  const { url, port } = await server.listen();
  return {
    url,
    port,
    server,
    store,
    [Symbol.asyncDispose]: () => server.close({ drainMs: 5000 }),
  };
}
