import {
  algorithms,
  type BlobPutOptions,
  type BlobStore,
  type Body,
  type Bytes,
  collect,
  contentOfBytes,
  digestOf,
  type Digest,
  openBody,
  type PutResult,
  throwIfAborted,
} from "@bitstore/core";

/** An origin that takes what it is given, so that a test sees it, and that a test can steer. */
export interface RawOrigin extends BlobStore {
  /** What arrived, under the name that it was given. */
  readonly blobs: Map<Digest, Uint8Array>;
  /** Digests in the order in which their puts began. */
  readonly asked: Digest[];
  /** Puts under way now, and the most there were. */
  readonly now: { running: number; most: number };
  /** Runs before a put is answered; what it throws is the answer. */
  before: ((digest: Digest | undefined, options: BlobPutOptions) => Promise<void>) | undefined;
  /** Whether a put goes on that was aborted, as one does whose bytes were sent. */
  isDeaf: () => boolean;
  /** Runs once the bytes have arrived, before that is said. */
  after: ((digest: Digest) => Promise<void>) | undefined;
}

export function rawOrigin(): RawOrigin {
  const blobs = new Map<Digest, Uint8Array>();
  const asked: Digest[] = [];
  const now = { running: 0, most: 0 };

  async function put(body: Body, options: BlobPutOptions = {}): Promise<PutResult> {
    if (options.digest !== undefined) asked.push(options.digest);
    now.running += 1;
    now.most = Math.max(now.most, now.running);
    try {
      await origin.before?.(options.digest, options);
      const isDeaf = origin.isDeaf();
      if (!isDeaf) throwIfAborted(options.signal, "put", options.digest);
      const bytes = Uint8Array.from(await collect(openBody(body)));
      if (!isDeaf) throwIfAborted(options.signal, "put", options.digest);
      const digest = options.digest ?? (await digestOf(bytes, options.algorithm ?? "sha256"));
      const outcome = blobs.has(digest) ? "existed" : "created";
      blobs.set(digest, bytes);
      await origin.after?.(digest);
      return { digest, size: bytes.byteLength, outcome };
    } finally {
      now.running -= 1;
    }
  }

  const origin: RawOrigin = {
    name: "raw",
    capabilities: {
      algorithms,
      stat: true,
      rangeRead: true,
      put: true,
      delete: true,
      list: true,
    },
    blobs,
    asked,
    now,
    before: undefined,
    after: undefined,
    isDeaf: () => false,
    put,
    async stat(digest) {
      const bytes = blobs.get(digest);
      return await Promise.resolve(bytes && { digest, size: bytes.byteLength });
    },
    async open(digest) {
      const bytes = blobs.get(digest);
      const content = bytes && contentOfBytes({ size: bytes.byteLength, source: "raw" }, bytes);
      return await Promise.resolve(content);
    },
    delete: (digest) => Promise.resolve(blobs.delete(digest)),
    async *list() {
      for (const [digest, bytes] of blobs) yield { digest, size: bytes.byteLength };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return origin;
}

/** Names of blobs at an origin whose bytes are not what the name says. */
export async function wrongAt({ blobs }: RawOrigin): Promise<Digest[]> {
  const wrong: Digest[] = [];
  for (const [digest, bytes] of blobs) {
    const algorithm = algorithms.find((each) => digest.startsWith(`${each}:`)) ?? "sha256";
    if ((await digestOf(bytes, algorithm)) !== digest) wrong.push(digest);
  }
  return wrong;
}

/** Makes a body of chunks. */
export function streamed(bytes: Uint8Array, chunkBytes = 1000): () => Bytes {
  return async function* () {
    for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
      yield bytes.subarray(at, at + chunkBytes);
    }
  };
}
