import { type Digest, parseDigest } from "@bitstore/core";
import type { Invocation } from "../frame/frame.ts";
import type { OpenedStore } from "../store/open-store.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { entryAt, type LiveEntry } from "../tags/entry-at.ts";
import { openTagLog } from "../tags/open-tag-log.ts";
import { parseTagReference } from "../tags/tag-reference.ts";

/** The blob that an argument names. */
export interface NamedBlob {
  readonly digest: Digest;
  /** The tag as it was written, such as `@models/prod`; undefined where a digest was. */
  readonly tag: string | undefined;
  /** The tag's entry that names the blob. */
  readonly entry: LiveEntry | undefined;
}

/** Reads the arguments of one command that name blobs. */
export interface BlobArguments {
  /**
   * Resolves to what an argument names: a digest in any form that `parseDigest` takes, or `@NAME`,
   * `@NAME@SEQ` or `@NAME@TIME`. A tag is looked up once, so that it names one blob throughout.
   *
   * Rejects with INVALID_ARGUMENT for what is neither, NOT_FOUND for a tag that is absent or deleted,
   * CONFIG_INVALID for a tag where there is no metadata.
   */
  resolve(text: string): Promise<NamedBlob>;
  /** Resolves to what several name, in their order; rejects where one of them does. */
  resolveAll(texts: readonly string[]): Promise<readonly NamedBlob[]>;
}

/** Tags among several arguments that are looked up at a time. */
const tagsInWorkMax = 16;

/** Tags of a list that are remembered; one that comes again after so many others is asked again. */
const tagsRememberedMax = 10_000;

/** Tells whether an argument names a blob by a tag. */
export function namesTag(text: string): boolean {
  return text.startsWith("@");
}

/** Reads arguments against the tags of a store, which is opened when the first tag is read. */
export function blobArguments(
  { io, output, signal, openStore }: Pick<Invocation, "io" | "output" | "signal" | "openStore">,
  opened: () => Promise<OpenedStore> = openStore,
): BlobArguments {
  let log: Promise<ReturnType<typeof openTagLog>> | undefined;
  const known = new Map<string, Promise<NamedBlob>>();

  async function lookUp(tag: string): Promise<NamedBlob> {
    const reference = parseTagReference(tag, Date.now());
    log ??= opened().then((store) => openTagLog(store, { io, output }));
    const entry = await entryAt(
      await log,
      reference,
      { operation: "resolve", subject: tag },
      signal,
    );
    return { digest: entry.target.digest, tag, entry };
  }

  async function resolve(text: string): Promise<NamedBlob> {
    if (!namesTag(text)) return { digest: parseDigest(text), tag: undefined, entry: undefined };
    let found = known.get(text);
    if (found === undefined) {
      found = lookUp(text);
      known.set(text, found);
      const [oldest] = known.keys();
      if (known.size > tagsRememberedMax && oldest !== undefined) known.delete(oldest);
    }
    return await found;
  }

  return {
    resolve,
    async resolveAll(texts) {
      const named: NamedBlob[] = [];
      for await (const each of mapOrdered(texts, tagsInWorkMax, resolve)) named.push(each);
      return named;
    },
  };
}
