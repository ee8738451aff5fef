import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BlobStore,
  bucketStore,
  compareKeys,
  type Descriptor,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { describeBlobStore } from "@bitstore/conformance";
import { type WriteBack, writeBack, type WriteBackLimits } from "../src/index.ts";

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
