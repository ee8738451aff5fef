import {
  type BlobStore,
  bucketStore,
  type Bytes,
  type Content,
  contentOfStream,
  type Digest,
  digestOf,
  memoryBucket,
  type OpenOptions,
  shardedLayout,
  StoreError,
} from "@bitstore/core";

/** What a scripted store does with every read. */
export type Behaviour =
  | "hit"
  | "miss"
  | "corrupt"
  | "failed"
  | "denied"
  | "archived"
  /** Breaks off with an error in the middle, at each read. */
  | "breaks"
  /** Ends cleanly in the middle, as a lying service does. */
  | "truncates";

export interface ScriptedStore extends BlobStore {
  behaviour: Behaviour;
  /** Calls so far. */
  opens: number;
  stats: number;
  puts: number;
  /** Reads that were opened and not yet ended or disposed. */
  openReads: number;
  /** Is awaited before each read is answered. */
  gate: Promise<void>;
  /** Is awaited before each chunk of a stream. */
  chunkGate: (offset: number) => Promise<void>;
}

const chunkBytes = 64 * 1024;

/** Makes a store in memory that misbehaves as it is told, and counts what is asked of it. */
export function scriptedStore(name: string, behaviour: Behaviour = "hit"): ScriptedStore {
  const inner = bucketStore(memoryBucket(name), shardedLayout(""), { name });

  function fail(
    code: "UNAVAILABLE" | "PERMISSION_DENIED" | "ARCHIVED",
    digest: Digest,
  ): StoreError {
    return new StoreError({
      code,
      operation: "open",
      source: name,
      subject: digest,
      message: "scripted",
    });
  }

  async function open(digest: Digest, options: OpenOptions = {}): Promise<Content | undefined> {
    store.opens += 1;
    await store.gate;
    if (options.signal?.aborted)
      throw new StoreError({ code: "ABORTED", operation: "open", message: "aborted" });
    switch (store.behaviour) {
      case "miss":
        return undefined;
      case "failed":
        throw fail("UNAVAILABLE", digest);
      case "denied":
        throw fail("PERMISSION_DENIED", digest);
      case "archived":
        throw fail("ARCHIVED", digest);
      default:
    }
    const content = await inner.open(digest, options);
    if (content === undefined) return undefined;
    const bytes = (await content.bytes()).slice();
    if (store.behaviour === "corrupt" && bytes.length > 0) bytes[bytes.length - 1]! ^= 1;
    store.openReads += 1;
    const whole = content.size ?? bytes.length;
    const cut = store.behaviour === "breaks" || store.behaviour === "truncates";
    const end = cut ? Math.floor(bytes.length / 2) : bytes.length;
    async function* stream(): Bytes & AsyncGenerator<Uint8Array> {
      for (let at = 0; at < end; at += chunkBytes) {
        await store.chunkGate(at);
        yield bytes.subarray(at, Math.min(at + chunkBytes, end));
      }
      if (store.behaviour === "breaks") throw fail("UNAVAILABLE", digest);
    }
    const parts = { size: whole, range: content.range, source: name, version: content.version };
    return contentOfStream(parts, stream, () => {
      store.openReads -= 1;
    });
  }

  const store: ScriptedStore = {
    ...inner,
    behaviour,
    opens: 0,
    stats: 0,
    puts: 0,
    openReads: 0,
    gate: Promise.resolve(),
    chunkGate: () => Promise.resolve(),
    open,
    async stat(digest, options) {
      store.stats += 1;
      await store.gate;
      switch (store.behaviour) {
        case "miss":
          return undefined;
        case "failed":
        case "breaks":
          throw fail("UNAVAILABLE", digest);
        case "denied":
          throw fail("PERMISSION_DENIED", digest);
        default:
          return await inner.stat(digest, options);
      }
    },
    async put(body, options) {
      store.puts += 1;
      return await inner.put(body, options);
    },
  };
  return store;
}

/** Makes bytes that look random and are the same in every run. */
export function someBytes(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed * 2_654_435_761;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Puts the same bytes into stores and resolves to their digest. */
export async function plant(bytes: Uint8Array, ...stores: readonly BlobStore[]): Promise<Digest> {
  const digest = await digestOf(bytes, "sha256");
  for (const store of stores) await store.put(bytes, { digest });
  for (const store of stores) if ("puts" in store) store.puts = 0;
  return digest;
}

export async function readAll(content: Content | undefined): Promise<Uint8Array | undefined> {
  return await content?.bytes();
}
