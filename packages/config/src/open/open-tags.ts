import { type Bucket, createHasher, type Digest, StoreError, type TagLog } from "@bitstore/core";
import {
  durableTargets,
  type Pins,
  pins,
  tagLog,
  type TagLogOptions,
  type TargetCheck,
} from "@bitstore/tags";
import type { OpenComposite } from "./open-tiers.ts";
import { settledAppends, settledTargets, type SettleOptions } from "./settled-targets.ts";

/** What tags of an open config take; which blobs may be tagged is decided by the config. */
export interface OpenTagsOptions
  extends Omit<TagLogOptions, "checkTarget" | "kind">,
    Omit<SettleOptions, "clock"> {}

/**
 * Opens the tags of a config: they lie in its metadata, and point to blobs that its origin has. Tags
 * are used as long as the composite is open. No request is made.
 *
 * @throws CONFIG_INVALID where no metadata is configured.
 */
export function openTags(opened: OpenComposite, options: OpenTagsOptions = {}): TagLog {
  // Another bitstore looks itself whether it has what is tagged, and its token says which namespace.
  if (opened.server !== undefined) {
    return settledAppends(opened.store, opened.server.tagsBy(options.actor), options);
  }
  return tagLog(metadataOf(opened), { ...options, checkTarget: targetsOf(opened, options) });
}

/** Opens the pins of a config, in the same way. */
export function openPins(opened: OpenComposite, options: OpenTagsOptions = {}): Pins {
  return pins(metadataOf(opened), { ...options, checkTarget: targetsOf(opened, options) });
}

function metadataOf({ metadata, server, store }: OpenComposite): Bucket {
  if (metadata !== undefined) return metadata;
  if (server !== undefined) {
    const message = "pins need a metadata bucket; another bitstore keeps tags alone";
    throw new StoreError({ code: "UNSUPPORTED", operation: "open", source: server.name, message });
  }
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    source: store.name,
    message: "tags need a place of their own; say metadata in the config, or --metadata URL",
  });
}

function targetsOf({ store, weakDigests }: OpenComposite, options: OpenTagsOptions): TargetCheck {
  const check = durableTargets(store, async (digest, { signal }) => {
    // A weak digest may be made to name other bytes some day; the manifest says which were meant.
    if (digest.startsWith("sha1:")) {
      return [(await weakDigests?.strongOf(digest, signal)) ?? (await strongOf(digest, signal))];
    }
    return [];
  });
  return settledTargets(store, check, options);

  async function strongOf(digest: Digest, signal: AbortSignal | undefined): Promise<Digest> {
    await using content = await store.open(digest, { signal });
    if (content === undefined) {
      const message = "no tier has it any more";
      throw new StoreError({ code: "NOT_FOUND", operation: "open", subject: digest, message });
    }
    const hasher = await createHasher("sha256");
    for await (const chunk of content.body) hasher.update(chunk);
    return hasher.digest();
  }
}
