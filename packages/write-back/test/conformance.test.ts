import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BlobStore,
  bucketStore,
  compareKeys,
  composite,
  defineTier,
  type Descriptor,
  type Digest,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { describeBlobStore } from "@bitstore/conformance";
import { sharedWriteBack, type WriteBack, writeBack, type WriteBackLimits } from "../src/index.ts";

/** An origin that is reached only after the journal was closed, so that all stays pending. */
function outOfReach(origin: BlobStore): BlobStore {
  return { ...origin, put: (_, options) => stalled(options?.signal) };
}

function stalled(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
}

/** Makes a store of a journal and its origin, as a composite does. */
function storeOf(journal: WriteBack, origin: BlobStore, isLast: boolean): BlobStore {
  const { source } = journal;
  return {
    name: "write-back",
    capabilities: { ...source.capabilities, put: true },
    put: (body, options) => journal.put(body, options),
    stat: async (digest, call) => (await source.stat(digest, call)) ?? origin.stat(digest, call),
    open: async (digest, call) => (await source.open(digest, call)) ?? origin.open(digest, call),
    async delete(digest, call) {
      const wasPending = await source.delete(digest, call);
      return (await origin.delete(digest, call)) || wasPending;
    },
    async *list(call) {
      const all: Descriptor[] = [];
      for await (const each of source.list(call)) all.push(each);
      for await (const each of origin.list(call)) {
        if (!all.some(({ digest }) => digest === each.digest)) all.push(each);
      }
      yield* all.sort((a, b) => compareKeys(a.digest, b.digest));
    },
    async [Symbol.asyncDispose]() {
      if (isLast) await journal[Symbol.asyncDispose]();
    },
  };
}

// The journal with its origin behind it is held to the suite of every store. The origin takes nothing
// for as long as it runs, so that each answer comes from the journal: a directory has one owner, so the
// second handle of a namespace is the same journal.
async function describeJournal(name: string, limits: Partial<WriteBackLimits>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-conformance-"));
  const journals: { journal: WriteBack; origin: BlobStore }[] = [];
  describeBlobStore(name, {
    async open() {
      const origin = outOfReach(bucketStore(memoryBucket(), shardedLayout("")));
      const directory = join(root, String(journals.length));
      const bounds = { drainMs: 1, ...limits };
      const journal = await writeBack(origin, { directory, bytesMax: 2 ** 30, limits: bounds });
      journals.push({ journal, origin });
      return storeOf(journal, origin, true);
    },
    reopen() {
      const [first] = journals;
      if (first === undefined) throw new Error("nothing was opened");
      return Promise.resolve(storeOf(first.journal, first.origin, false));
    },
    dispose: () => rm(root, { recursive: true, force: true }),
    sizesAround: [256 * 1024, 2 ** 20],
  });
}

await describeJournal("write-back", {});
await describeJournal("write-back, small limits", {
  gatherBytes: 2000,
  stepBytes: 4096,
  readBytes: 3000,
});

/**
 * Says `existed` of what was put before. A journal does not ask the origin before it acknowledges, so
 * that it says so only of what is pending still; the suite is about one store.
 */
function knowing(inner: BlobStore, known: Set<Digest>): BlobStore {
  return {
    ...inner,
    async put(body, options) {
      const result = await inner.put(body, options);
      const wasKnown = known.has(result.digest);
      known.add(result.digest);
      return wasKnown ? { ...result, outcome: "existed" } : result;
    },
    async delete(digest, options) {
      known.delete(digest);
      return await inner.delete(digest, options);
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

// A composite whose puts are acknowledged by a journal is held to the same suite, twice: with an origin
// that takes what it is brought, where the second handle is a guest of the first one's directory; and
// with one that takes nothing as long as it runs, so that all answers are the pending tier's.
async function describeComposite(name: string, isReachable: boolean): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-conformance-"));
  const opened: { directory: string; origin: BlobStore; store: BlobStore; known: Set<Digest> }[] =
    [];
  async function openAt(
    directory: string,
    origin: BlobStore,
    known: Set<Digest>,
  ): Promise<BlobStore> {
    const limits = { drainMs: isReachable ? 5000 : 1, takeoverMs: 10 };
    const journal = await sharedWriteBack(origin, { directory, bytesMax: 2 ** 30, limits });
    const tier = defineTier({ name: "origin", source: origin, origin: true });
    const store = knowing(composite({ tiers: [tier], journal }), known);
    opened.push({ directory, origin, store, known });
    return store;
  }
  describeBlobStore(name, {
    open: () => {
      const origin = bucketStore(memoryBucket(), shardedLayout(""));
      const directory = join(root, String(opened.length));
      return openAt(directory, isReachable ? origin : outOfReach(origin), new Set());
    },
    reopen() {
      const [first] = opened;
      if (first === undefined) throw new Error("nothing was opened");
      if (isReachable) return openAt(first.directory, first.origin, first.known);
      // Disposing it is the first handle's business.
      const dispose = (): Promise<void> => Promise.resolve();
      return Promise.resolve({ ...first.store, [Symbol.asyncDispose]: dispose });
    },
    dispose: () => rm(root, { recursive: true, force: true }),
    hasCopies: true,
  });
}

await describeComposite("composite with a journal", true);
await describeComposite("composite with a journal, origin out of reach", false);
