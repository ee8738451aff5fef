import {
  bucketStore,
  type Composite,
  composite,
  defineTier,
  memoryBucket,
  shardedLayout,
  type TagLog,
} from "@bitstore/core";
import { durableTargets, tagLog } from "@bitstore/tags";
import { mintToken } from "../../src/access/bearer-token.ts";
import { openAccess } from "../../src/access/open-access.ts";
import { parseAccess } from "../../src/access/parse-access.ts";
import type { Scope } from "../../src/access/principal.ts";
import type { AuditLog } from "../../src/audit/audit-log.ts";
import { createServer, type ServerOptions } from "../../src/create-server.ts";

/** A token to be made, as the config says it. */
export interface Grant {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly namespace?: string;
  readonly tagPrefixes?: readonly string[];
}

/** One namespace, behind the server's back. */
export interface Behind {
  readonly store: Composite;
  readonly tags: TagLog;
}

export interface LiveServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Tokens by the names of their grants. */
  readonly tokens: ReadonlyMap<string, string>;
  behind(namespace: string): Behind;
}

export const secret: Buffer = Buffer.alloc(32, 9);

/** Serves the namespaces `default` and `team` out of memory, on a real port. */
export async function startServer(
  grants: readonly Grant[],
  more: Partial<ServerOptions> & { readonly config?: object; readonly audit?: AuditLog } = {},
): Promise<LiveServer> {
  const tokens = new Map<string, string>();
  const entries = grants.map((grant) => {
    const { token, hash } = mintToken();
    tokens.set(grant.name, token);
    return { ...grant, hash };
  });
  const auth = grants.length === 0 ? {} : { auth: { tokens: entries } };
  const { config: said = {}, ...options } = more;
  const config = parseAccess({ ...auth, namespaces: { team: {} }, ...said }, "127.0.0.1");
  const behind = new Map(["default", "team"].map((name) => [name, workspaceOf(name)]));
  function find(namespace: string): Behind {
    const found = behind.get(namespace);
    if (found === undefined) throw new Error(`no namespace ${namespace}`);
    return found;
  }
  const server = createServer({
    open: (namespace) =>
      Promise.resolve({
        namespace,
        ...find(namespace),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    access: openAccess(config, { host: "127.0.0.1", secrets: [secret] }),
    ...options,
  });
  const { url, port } = await server.listen();
  return {
    url,
    port,
    tokens,
    behind: find,
    async [Symbol.asyncDispose]() {
      await server.close({ drainMs: 0 });
      for (const { store } of behind.values()) await store[Symbol.asyncDispose]();
    },
  };
}

function workspaceOf(name: string): Behind {
  const source = bucketStore(memoryBucket(`memory:${name}`), shardedLayout(""));
  const tier = defineTier({ name: "origin", source, role: "source", origin: true });
  const store = composite({ tiers: [tier], name });
  const checkTarget = durableTargets(store);
  const tags = tagLog(memoryBucket(`memory:${name}-tags`), { namespace: name, checkTarget });
  return { store, tags };
}
