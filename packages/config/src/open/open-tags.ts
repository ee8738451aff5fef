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

/** What tags of an open config take; which blobs may be tagged is decided by the config. */
export type OpenTagsOptions = Omit<TagLogOptions, "checkTarget" | "kind">;

/**
 * Opens the tags of a config: they lie in its metadata, and point to blobs that its origin has. Tags
 * are used as long as the composite is open. No request is made.
 *
 * @throws CONFIG_INVALID where no metadata is configured.
 */
export function openTags(opened: OpenComposite, options: OpenTagsOptions = {}): TagLog {
  return tagLog(metadataOf(opened), { ...options, checkTarget: targetsOf(opened) });
}

/** Opens the pins of a config, in the same way. */
export function openPins(opened: OpenComposite, options: OpenTagsOptions = {}): Pins {
  return pins(metadataOf(opened), { ...options, checkTarget: targetsOf(opened) });
}

function metadataOf({ metadata, store }: OpenComposite): Bucket {
  if (metadata !== undefined) return metadata;
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    source: store.name,
    message: "tags need a place of their own; say metadata in the config, or --metadata URL",
  });
}

function targetsOf({ store, weakDigests }: OpenComposite): TargetCheck {
  return durableTargets(store, async (digest, { signal }) => {
    // A weak digest may be made to name other bytes some day; the manifest says which were meant.
    if (digest.startsWith("sha1:")) {
      return [(await weakDigests?.strongOf(digest, signal)) ?? (await strongOf(digest, signal))];
    }
    return [];
  });

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
