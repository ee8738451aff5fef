import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Descriptor, type Digest, isStoreError } from "@bitstore/core";
import type { OpenedStore } from "./open-store.ts";

/** Digests that are asked for at a time where they go into lists: what one request has at most. */
export const listedInWorkMax = 2000;

/** Resolves to what is known of a blob; undefined where it is absent. */
export type AskForBlob = (digest: Digest) => Promise<Partial<Descriptor> | undefined>;

/**
 * Makes a question whether the origin has a blob, without its size, for those who ask it of many
 * at a time: what is asked for while an answer is on its way goes together into the next request.
 * Once such a list was refused or failed, each is a question of its own, with all that the store
 * does for one. Undefined where the origin is no other bitstore, and is asked no lists.
 */
export function listAsker(opened: OpenedStore, signal: AbortSignal): AskForBlob | undefined {
  const server = originServer(opened);
  if (server === undefined) return undefined;
  const askOne: AskForBlob = (digest) => opened.store.durable(digest, { signal });
  const missing = inLists(async (digests) => {
    const found = new Set<Digest>();
    for await (const digest of server.missing(digests, { signal })) found.add(digest);
    return found;
  });
  let mayList = true;
  return async (digest) => {
    if (!mayList) return await askOne(digest);
    try {
      return (await missing(digest)) ? undefined : { digest };
    } catch (error) {
      if (signal.aborted) throw error;
      // What is not allowed, or not there, stays so; what failed for a while is asked singly this time.
      if (isStoreError(error) && error.persistence === "permanent") mayList = false;
      return await askOne(digest);
    }
  };
}

/** Finds the client that keeps the tags, where its server is the origin of the blobs as well. */
function originServer({ config, server }: OpenedStore): OpenedStore["server"] {
  const { metadata, tiers } = config;
  const origin = tiers.find((tier) => tier.origin)?.store;
  if (origin === undefined || metadata === undefined) return undefined;
  // With other headers it would be another's token, and maybe another namespace.
  const isSame =
    isDeepStrictEqual(origin.location, metadata.location) &&
    isDeepStrictEqual(origin.connection, metadata.connection);
  return isSame ? server : undefined;
}

interface Waiting {
  readonly digest: Digest;
  readonly resolve: (isIn: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers single questions out of sets: one is asked for at a time, the next gathers meanwhile. */
function inLists(
  ask: (digests: readonly Digest[]) => Promise<ReadonlySet<Digest>>,
): (digest: Digest) => Promise<boolean> {
  let waiting: Waiting[] = [];
  let isAsking = false;

  async function askAll(): Promise<void> {
    isAsking = true;
    // What is read in one piece is asked for in one.
    await setImmediate();
    while (waiting.length > 0) {
      const list = waiting;
      waiting = [];
      try {
        const found = await ask(list.map(({ digest }) => digest));
        for (const { digest, resolve } of list) resolve(found.has(digest));
      } catch (error) {
        for (const { reject } of list) reject(error);
      }
    }
    isAsking = false;
  }

  return (digest) => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    waiting.push({ digest, resolve, reject });
    if (!isAsking) void askAll();
    return promise;
  };
}
