import { type Composite, StoreError, type TagLog, type TierHealth } from "@bitstore/core";
import { defaultNamespace, namespaceConfig, type NamespaceView } from "../namespace-config.ts";
import type { BitstoreConfig } from "../store-config.ts";
import type { OpenDependencies } from "./dependencies.ts";
import { openTags, type OpenTagsOptions } from "./open-tags.ts";
import { type OpenComposite, openComposite, type OpenCompositeOptions } from "./open-tiers.ts";

/** What one namespace serves. Disposing it waits for its fills and closes what it opened. */
export interface OpenedWorkspace extends AsyncDisposable {
  readonly namespace: string;
  readonly store: Composite;
  /** Undefined where no metadata is configured. */
  readonly tags: TagLog | undefined;
  health(): readonly TierHealth[];
  /** What waits, by the name of the queue: fills, places at tiers, puts in the journal. */
  readonly queues: ReadonlyMap<string, () => number | Promise<number>>;
}

export interface OpenWorkspacesOptions {
  /** The namespaces besides the default one. */
  readonly namespaces?: ReadonlyMap<string, NamespaceView> | undefined;
  readonly tags?: Omit<OpenTagsOptions, "namespace"> | undefined;
  readonly composite?: OpenCompositeOptions | undefined;
}

/**
 * Makes what opens the namespaces of a config, as a server asks for them. Each is opened as a config of
 * its own: two opened ones share neither a cache nor a read under way. What is wrong with any of them
 * shows at once. The returned function rejects with NOT_FOUND for a namespace that is not configured; it
 * opens anew at each call.
 *
 * @throws CONFIG_INVALID as `namespaceConfig` does.
 */
export function openWorkspaces(
  config: BitstoreConfig,
  dependencies: OpenDependencies,
  { namespaces = new Map(), tags, composite }: OpenWorkspacesOptions = {},
): (namespace: string) => Promise<OpenedWorkspace> {
  const configs = new Map([[defaultNamespace, config]]);
  for (const [name, view] of namespaces) configs.set(name, namespaceConfig(config, name, view));
  return async (namespace) => {
    const own = configs.get(namespace);
    if (own === undefined) throw unknown(namespace);
    const opened = await openComposite(own, dependencies, { name: namespace, ...composite });
    const hasTags = opened.metadata !== undefined || opened.server !== undefined;
    return {
      namespace,
      store: opened.store,
      tags: hasTags ? openTags(opened, { ...tags, namespace }) : undefined,
      health: () => opened.health(),
      queues: queuesOf(opened),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  };
}

function queuesOf({ store, journal, health }: OpenComposite): OpenedWorkspace["queues"] {
  const queues = new Map<string, () => number | Promise<number>>([
    ["fills", () => store.fillsUnderWay()],
    ["places", () => health().reduce((sum, { limit }) => sum + (limit?.waiting ?? 0), 0)],
  ]);
  if (journal !== undefined) {
    queues.set("journal", async () => (await journal.status()).pendingEntries);
  }
  return queues;
}

function unknown(namespace: string): StoreError {
  return new StoreError({
    code: "NOT_FOUND",
    operation: "open",
    subject: `namespace ${JSON.stringify(namespace.slice(0, 80))}`,
    message: "it is not configured; name it in server.namespaces",
  });
}
