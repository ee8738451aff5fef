import {
  type Bucket,
  type CallOptions,
  type Digest,
  isLive,
  parseDigest,
  StoreError,
  splitDigest,
  type TagEntry,
} from "@bitstore/core";
import { tagLog, type TagLogOptions } from "./log/tag-log.ts";

export interface PinOptions extends CallOptions {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** Stands for this logical write, as in `TagWriteOptions`. */
  readonly nonce?: string | undefined;
  readonly base?: number | undefined;
}

export interface PinAddOptions extends PinOptions {
  /** RFC 6838 media type: a collection's keeps the blobs that it names as well. */
  readonly mediaType?: string | undefined;
}

/**
 * Pins say which blobs a garbage collection may not touch, whether a tag names them or not. Each is a
 * log of its own, so it is known for ever who pinned and unpinned what, and why.
 */
export interface Pins {
  /** Pins a blob that is at the origin; a pin that is there is left as it is. NOT_FOUND as `append`. */
  pin(digest: Digest, options?: PinAddOptions): Promise<TagEntry>;
  /** Takes a pin off; resolves to whether there was one. */
  unpin(digest: Digest, options?: PinOptions): Promise<boolean>;
  /** Resolves to what pinned a blob; undefined where it is not pinned. */
  stat(digest: Digest, options?: CallOptions): Promise<TagEntry | undefined>;
  /** Yields the digests that are pinned, in the order of algorithm and hex. */
  list(options?: CallOptions): AsyncIterable<Digest>;
  /** Yields what pinned each, in that order, for a LIST and a GET more each. */
  entries(options?: CallOptions): AsyncIterable<TagEntry>;
}

/** Keeps the pins of one namespace in the metadata bucket. */
export function pins(bucket: Bucket, options: Omit<TagLogOptions, "kind">): Pins {
  const log = tagLog(bucket, { ...options, kind: "pins" });
  return {
    async pin(digest, call = {}) {
      const name = nameOf(digest);
      const head = await log.head(name, call);
      return isLive(head) ? head : await log.append(name, digest, call);
    },
    async unpin(digest, call = {}) {
      const name = nameOf(digest);
      if (!isLive(await log.head(name, call))) return false;
      await log.remove(name, call);
      return true;
    },
    async stat(digest, call = {}) {
      const head = await log.head(nameOf(digest), call);
      return isLive(head) ? head : undefined;
    },
    async *list(call = {}) {
      for await (const name of log.list(call)) yield digestOf(name, bucket.name);
    },
    async *entries(call = {}) {
      for await (const name of log.list(call)) {
        digestOf(name, bucket.name);
        const head = await log.head(name, call);
        // One that was taken off meanwhile pins nothing any more.
        if (isLive(head)) yield head;
      }
    },
  };
}

function nameOf(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}/${hex}`;
}

function digestOf(name: string, source: string): Digest {
  const [algorithm = "", hex = ""] = name.split("/");
  try {
    return parseDigest(`${algorithm}:${hex}`);
  } catch (cause) {
    const message = "it is a pin of something that this release does not know";
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "list",
      subject: name,
      source,
      message,
      cause,
    });
  }
}
