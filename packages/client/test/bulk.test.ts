import {
  type Bucket,
  bucketStore,
  collect,
  composite,
  contentOfStream,
  defineTier,
  type Digest,
  digestOf,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { type BitstoreClient, bitstoreClient, type BulkBlob } from "../src/index.ts";
import { backends, liveServer } from "./backends.ts";
import { bodyOf, rudeServer } from "./rude-server.ts";

// What a client has beside a store and tags, against a live server: which blobs are missing, many
// blobs at once, and what each tier says.

const [memory] = backends;

interface Blob {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function withServer(run: (client: BitstoreClient) => Promise<void>): Promise<void> {
  if (memory === undefined) throw new Error("there is no back end");
  await using server = await liveServer(memory);
  await using client = bitstoreClient({ url: server.url, environment: {} });
  await run(client);
}

async function blobs(count: number, size: (n: number) => number): Promise<Blob[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const bytes = Buffer.alloc(size(n), `blob ${n} `);
      return { bytes, digest: await digestOf(bytes, "sha256") };
    }),
  );
}

test("missing tells what the origin lacks, over several requests", async () => {
  await withServer(async (client) => {
    const there = await blobs(20, (n) => n + 1);
    for (const { bytes, digest } of there) await client.store.put(bytes, { digest });
    const absent = Array.from({ length: 12_000 }, (_, n) => {
      return `sha256:${n.toString(16).padStart(64, "0")}` as Digest;
    });
    async function* asked(): AsyncGenerator<Digest> {
      yield* absent.slice(0, 5000);
      yield* there.map(({ digest }) => digest);
      yield* absent.slice(5000);
    }
    const found: Digest[] = [];
    for await (const digest of client.missing(asked())) found.push(digest);
    expect(found.toSorted()).toEqual(absent);
    expect(await all(client.missing([]))).toEqual([]);
  });
});

test("fetch brings each blob whole, small, large and empty, and tells what is missing", async () => {
  await withServer(async (client) => {
    const there = await blobs(40, (n) => (n === 7 ? 0 : n === 9 ? 3_000_000 : n * 517 + 1));
    for (const { bytes, digest } of there) await client.store.put(bytes, { digest });
    const [absent] = await blobs(1, () => 5_000);
    const wanted = [...there.map(({ digest }) => digest), absent?.digest ?? expect.fail("no blob")];
    const found = new Map<string, Buffer | string>();
    // A digest that is asked for twice comes once.
    for await (const blob of client.fetch([...wanted, ...wanted])) {
      expect(found.has(blob.digest)).toBe(false);
      found.set(
        blob.digest,
        blob.status === "delivered" ? Buffer.from(await collect(blob.body)) : blob.status,
      );
    }
    for (const { digest, bytes } of there) {
      const got = found.get(digest);
      expect(Buffer.isBuffer(got) && Buffer.compare(got, bytes)).toBe(0);
    }
    expect(found.get(wanted.at(-1) ?? "")).toBe("missing");
    expect(found.size).toBe(wanted.length);
    // What is not read is skipped, and a fetch that is left early ends.
    let count = 0;
    for await (const blob of client.fetch(wanted)) {
      expect(blob.status).toMatch(/delivered|missing/);
      count += 1;
      if (count === 20) break;
    }
    const rest: BulkBlob[] = await all(client.fetch(wanted));
    expect(rest).toHaveLength(wanted.length);
  });
});

test("a fetch that breaks off is made again for what has not come", async () => {
  if (memory === undefined) throw new Error("there is no back end");
  await using server = await liveServer(memory);
  const there = await blobs(30, () => 200_000);
  await using direct = bitstoreClient({ url: server.url, environment: {} });
  for (const { bytes, digest } of there) await direct.store.put(bytes, { digest });
  // A server in between that hands on a part of the archive only, and more each time.
  const asked: string[] = [];
  await using between = await rudeServer(async (request, response, count) => {
    const body = (await bodyOf(request)).toString();
    asked.push(body);
    const { url, headers } = request;
    const answer = await fetch(server.url + (url ?? ""), {
      method: "POST",
      headers: { "content-type": headers["content-type"] ?? "" },
      body,
    });
    response.writeHead(200, { "content-type": "application/x-tar" });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (count === 3) response.end(bytes);
    else response.write(bytes.subarray(0, 1_100_000), () => response.destroy());
  });
  const found = new Set<string>();
  for await (const blob of between.client.fetch(there.map(({ digest }) => digest))) {
    if (blob.status !== "delivered") throw new Error(blob.status);
    const bytes = await collect(blob.body).catch(() => undefined);
    if (bytes === undefined) continue;
    expect(bytes.byteLength).toBe(200_000);
    expect(found.has(blob.digest)).toBe(false);
    found.add(blob.digest);
  }
  expect(found.size).toBe(30);
  const lines = asked.map((body) => body.split("\n").length - 1);
  expect(lines).toEqual([30, 25, 20]);
});

test("tiers tells of each how it does", async () => {
  await withServer(async (client) => {
    const [blob] = await blobs(1, () => 100);
    if (blob === undefined) throw new Error("there is no blob");
    await client.store.put(blob.bytes, { digest: blob.digest });
    await client.store.open(blob.digest).then((content) => content?.bytes());
    const tiers = await client.tiers();
    expect(tiers).toMatchObject([
      { name: "memory", role: "source", origin: true, readOnly: false },
    ]);
    expect(tiers[0]?.hits).toBeGreaterThan(0);
  });
});

test("a tier that is found to be rotten in mid-stream never ends a read cleanly", async () => {
  // Large enough to be streamed before it is verified: the server breaks the connection off.
  const [blob] = await blobs(1, () => 6_000_000);
  if (blob === undefined) throw new Error("there is no blob");
  const bucket = memoryBucket();
  const rotten = Buffer.from(blob.bytes);
  rotten[5_500_000] = 0;
  const layout = shardedLayout("");
  await bucket.put(layout.key(blob.digest), rotten);
  const inPieces: Bucket = {
    ...bucket,
    async read(key, options) {
      const content = await bucket.read(key, options);
      if (content === undefined) return undefined;
      const bytes = await content.bytes();
      return contentOfStream(content, async function* () {
        for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
      });
    },
  };
  const source = bucketStore(inPieces, layout);
  const store = composite({ tiers: [defineTier({ name: "rotten", source, origin: true })] });
  await using server = await liveServer({
    name: "rotten",
    isThere: true,
    open: async () => ({
      store,
      metadata: memoryBucket(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }),
  });
  await using client = bitstoreClient({ url: server.url, environment: {} });
  const content = await client.store.open(blob.digest);
  const read: number[] = [];
  const reading = (async () => {
    for await (const chunk of content?.body ?? []) read.push(chunk.byteLength);
  })();
  await expect(reading).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(read.length).toBeGreaterThan(0);
  const fetched: BulkBlob[] = [];
  const fetching = (async () => {
    for await (const each of client.fetch([blob.digest])) fetched.push(each);
  })();
  // By now the server knows the copy for rotten, and says so without an entry.
  await fetching;
  expect(fetched).toMatchObject([{ status: "failed", error: { code: "UNAVAILABLE" } }]);
});

test("explain tells what each tier says", async () => {
  await withServer(async (client) => {
    const [blob] = await blobs(1, () => 100);
    if (blob === undefined) throw new Error("there is no blob");
    expect(await client.explain(blob.digest)).toMatchObject({
      digest: blob.digest,
      outcome: "absent",
      attempts: [{ tier: "memory", outcome: "miss" }],
    });
    await client.store.put(blob.bytes, { digest: blob.digest });
    const found = await client.explain(blob.digest);
    expect(found).toMatchObject({ outcome: "found", tier: "memory", size: 100 });
    expect(found.attempts).toMatchObject([{ tier: "memory", outcome: "hit", bytes: 100 }]);
  });
});
