import type { BlobStore, Clock } from "@bitstore/core";
import type { SharedWriteBack, WriteBackLimits } from "@bitstore/write-back";
import type { JournalConfig, TierConfig } from "../store-config.ts";
import { formatStoreLocation } from "../url/format-store-url.ts";
import { importDriver } from "./import-driver.ts";
import { namedBy } from "./open-store.ts";

/** The origin that a journal brings blobs to. */
export interface JournalOrigin {
  readonly tier: TierConfig;
  readonly source: BlobStore;
  /** The same without retries: the journal tries again for ever by itself. */
  readonly unrepeated: BlobStore;
}

export interface JournalDependencies {
  readonly clock: Clock | undefined;
  readonly random: (() => number) | undefined;
  readonly limits: Partial<WriteBackLimits> | undefined;
}

/**
 * Opens the journal of a config, as its owner, or as a guest of the process that is. Rejects with
 * CONFIG_INVALID where it holds blobs for another origin.
 */
export async function openJournal(
  config: JournalConfig,
  { tier, source, unrepeated }: JournalOrigin,
  { clock, random, limits }: JournalDependencies,
): Promise<SharedWriteBack> {
  const { sharedWriteBack } = await importDriver(
    "@bitstore/write-back",
    () => import("@bitstore/write-back"),
  );
  const { location, connection } = tier.store;
  const { endpoint, algorithm } = connection;
  const at = endpoint === undefined ? "" : ` at ${endpoint}`;
  const journal = await sharedWriteBack(unrepeated, {
    ...config,
    direct: source,
    originId: `${formatStoreLocation(location)}${at}`,
    name: "journal",
    clock,
    random,
    limits,
  });
  return {
    ...journal,
    put: (body, call = {}) => journal.put(body, namedBy(call, algorithm)),
    [Symbol.asyncDispose]: async () => await journal[Symbol.asyncDispose](),
  };
}
