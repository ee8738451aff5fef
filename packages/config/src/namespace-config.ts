import { join } from "node:path";
import { StoreError } from "@bitstore/core";
import type { BitstoreConfig, StoreConfig, TierConfig } from "./store-config.ts";
import type { StoreLocation } from "./url/store-url.ts";

/** What of a config a namespace other than the default one has. */
export interface NamespaceView {
  /** Names of read-only tiers that it may read from; none unless they are listed. */
  readonly sources: readonly string[];
}

/** The namespace that the tiers are, as they are written. */
export const defaultNamespace = "default";

/** As the tags name namespaces, so that one name fits everywhere. */
const grammar = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Keys below must still fit into what every service takes. */
const prefixBytesMax = 600;

/**
 * Makes of a config that of one of its namespaces: a config like any other, so that whatever opens one
 * opens the other. All that can be written has a place of its own in it, below the place of the default
 * namespace: origin, caches, journal, metadata. So no digest, tag, cache entry or request under way is
 * shared with another namespace. Caches in memory are instances of their own and share nothing anyway.
 * A read-only tier holds what others put there, so it is there only where `sources` names it.
 *
 * @throws CONFIG_INVALID for a tier that can't be divided, a source that is none, a name that is none.
 */
export function namespaceConfig(
  config: BitstoreConfig,
  namespace: string,
  { sources }: NamespaceView,
): BitstoreConfig {
  if (namespace === defaultNamespace) return config;
  if (!grammar.test(namespace)) throw invalid(namespace, "it is no name of a namespace");
  for (const source of sources) checkSource(config, namespace, source);
  const kept = config.tiers.filter(({ name, readOnly }) => !readOnly || sources.includes(name));
  const names = new Set(kept.map(({ name }) => name));
  const tiers = kept.map(
    (tier): TierConfig => ({
      ...tier,
      ...(tier.readOnly ? {} : divided(tier, namespace)),
      fill: tier.fill.filter((name) => names.has(name)),
    }),
  );
  const { metadata, journal } = config;
  return {
    ...config,
    tiers,
    originCandidates: config.originCandidates.filter((name) => names.has(name)),
    metadata: metadata && below(metadata, namespace, "the metadata"),
    journal: journal && { ...journal, directory: folderBelow(journal.directory, namespace) },
  };
}

/** Puts a tier that can be written below its own place. */
function divided(tier: TierConfig, namespace: string): Partial<TierConfig> {
  const store = below(tier.store, namespace, `the tier ${tier.name}`);
  // The blob that shows that credentials are good lies in the default namespace.
  return { store, canary: undefined, forbiddenMeans: "denied" };
}

function below(store: StoreConfig, namespace: string, what: string): StoreConfig {
  return { ...store, location: locationBelow(store.location, namespace, what), create: true };
}

function locationBelow(location: StoreLocation, namespace: string, what: string): StoreLocation {
  switch (location.kind) {
    case "memory":
      return location;
    case "file":
      return { ...location, directory: folderBelow(location.directory, namespace) };
    case "s3":
    case "gs":
    case "az": {
      const prefix = `${location.prefix}namespaces/${namespace}/`;
      if (Buffer.byteLength(prefix) <= prefixBytesMax) return { ...location, prefix };
      throw invalid(namespace, `the prefix of ${what} is too long to be divided`);
    }
    case "http":
    case "bitstore":
      break;
  }
  throw invalid(
    namespace,
    `${what} is written to, and is no bucket that could be divided; give it readOnly=true`,
  );
}

/** A name that begins with a dot is taken for no blob, and caches keep theirs beside it. */
function folderBelow(directory: string, namespace: string): string {
  return join(directory, ".namespaces", namespace);
}

function checkSource({ tiers }: BitstoreConfig, namespace: string, name: string): void {
  const tier = tiers.find((each) => each.name === name);
  if (tier === undefined) throw invalid(namespace, `its source ${show(name)} is no tier`);
  if (tier.readOnly) return;
  throw invalid(namespace, `its source ${show(name)} can be written; it has its own part of that`);
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function invalid(namespace: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: `namespace ${show(namespace)}`,
    message,
  });
}
