import { fileURLToPath } from "node:url";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import {
  type BlobStore,
  type Bucket,
  bucketStore,
  composite,
  defineTier,
  type Digest,
  digestOf,
  flatLayout,
  formatKey,
  hexOf,
  parseDigest,
} from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { uniqueName } from "../services/services.ts";
import { type LineProcess, lineProcess } from "./line-process.ts";
import { pythonEnvironment } from "./python-environment.ts";

// Buckets that Python's epic-bitstore wrote are read as they are, and it reads what we wrote, on
// the S3 and GCS test services. The Python side runs in a process of its own, told by lines of JSON
// what to do; nothing here knows its layout but by `flatLayout(prefix, "sha1")`.

const { s3, gcs } = inject("services");
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));
const script = fileURLToPath(new URL("epic_bitstore.py", import.meta.url));
const isWanted = s3 !== undefined || gcs !== undefined;
const { python } = isWanted
  ? await pythonEnvironment(requirements, process.env)
  : { python: undefined };

interface Side {
  readonly scheme: "s3" | "gs";
  readonly environment: Readonly<Record<string, string>>;
  open(bucket: string): Bucket;
}

const sides: readonly (readonly [string, Side | undefined])[] = [
  [
    "S3",
    s3 && {
      scheme: "s3",
      environment: {
        AWS_ENDPOINT_URL: s3.endpoint,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        AWS_DEFAULT_REGION: s3.region,
        AWS_EC2_METADATA_DISABLED: "true",
      },
      open: (bucket) =>
        s3Bucket({
          bucket,
          endpoint: s3.endpoint,
          region: s3.region,
          partBytes: 5 * 2 ** 20,
          credentials: [{ accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey }],
        }),
    },
  ],
  [
    "GCS",
    gcs && {
      scheme: "gs",
      environment: { STORAGE_EMULATOR_HOST: gcs.endpoint, GOOGLE_CLOUD_PROJECT: gcs.projectId },
      open: (bucket) => gcsBucket({ bucket, endpoint: gcs.endpoint, partBytes: 2 ** 20 }),
    },
  ],
];

interface Blob {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly hex: string;
}

async function makeBlob(size: number, seed: number): Promise<Blob> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + seed * 7 + (at >> 8)) & 255;
  const digest = await digestOf(bytes, "sha1");
  return { bytes, digest, hex: hexOf(digest) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

async function read(store: BlobStore, digest: Digest): Promise<string | undefined> {
  const content = await store.open(digest);
  return content === undefined ? undefined : base64(await content.bytes());
}

async function keysOf(bucket: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list("")) keys.push(key);
  return keys;
}

describe.each(sides)("epic-bitstore on %s", (_, side) => {
  describe.skipIf(side === undefined || python === undefined)("and bitstore", () => {
    let child: LineProcess;
    let bucket: Bucket;
    let store: BlobStore;
    /** Whole URI of the folder of this test, as epic-bitstore names a store. */
    let prefix: string;
    let root: string;

    const ask = async (question: Readonly<Record<string, unknown>>): Promise<unknown> => {
      const answer = (await child.ask(question)) as { value?: unknown; error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value;
    };

    beforeAll(async () => {
      if (side === undefined || python === undefined) return;
      const { PATH = "", HOME = "/" } = process.env;
      child = lineProcess(python, [script], { PATH, HOME, ...side.environment });
      const name = uniqueName("epic");
      root = `${side.scheme}://${name}/`;
      await ask({ do: "make_bucket", prefix: root });
      bucket = side.open(name);
      prefix = `${root}files/`;
      store = bucketStore(bucket, flatLayout("files/", "sha1"));
    });
    afterAll(async () => {
      await child?.[Symbol.asyncDispose]();
      await bucket?.[Symbol.asyncDispose]();
    });

    // Sizes around nothing, a chunk, and the part size of our own uploads.
    const sizes = [0, 1, 65_536, 5 * 2 ** 20 + 1];

    test.each(sizes)("what it put, of %i bytes, is read as it is", async (size) => {
      const blob = await makeBlob(size, 1);
      await ask({ do: "put", prefix, id: blob.hex.toUpperCase(), data: base64(blob.bytes) });
      expect(await store.stat(blob.digest)).toEqual({ digest: blob.digest, size });
      // In whichever form a user has the digest.
      const forms = [blob.hex.toUpperCase(), `sha1://${blob.hex}`, `SHA1:${blob.hex}`];
      for (const form of forms) {
        expect(await read(store, parseDigest(form))).toBe(base64(blob.bytes));
      }
      expect(await keysOf(bucket)).toContain(`files/${blob.hex}`);
    });

    test("reading and listing what it wrote writes nothing", async () => {
      const blob = await makeBlob(10, 2);
      const before = await keysOf(bucket);
      const other = bucketStore(bucket, flatLayout("files/", "sha1"));
      const listed: Digest[] = [];
      for await (const { digest } of other.list()) listed.push(digest);
      expect(listed.length).toBe(before.length);
      expect(await other.open(blob.digest)).toBeUndefined();
      expect(await keysOf(bucket)).toEqual(before);
      expect(before).not.toContain(`files/${formatKey}`);
    });

    test("a put of what it has is existed, and changes nothing", async () => {
      const blob = await makeBlob(1000, 3);
      await ask({ do: "put", prefix, id: blob.hex, data: base64(blob.bytes) });
      const before = await bucket.head(`files/${blob.hex}`);
      const put = await store.put(blob.bytes, { digest: blob.digest });
      expect(put).toEqual({ digest: blob.digest, size: 1000, outcome: "existed" });
      expect(await bucket.head(`files/${blob.hex}`)).toEqual(before);
    });

    test.each(sizes)("it reads what we put, of %i bytes", async (size) => {
      const blob = await makeBlob(size, 4);
      const put = await store.put(blob.bytes, { digest: parseDigest(blob.hex.toUpperCase()) });
      expect(put).toMatchObject({ digest: blob.digest, size });
      for (const id of [blob.hex, blob.hex.toUpperCase()]) {
        expect(await ask({ do: "get", prefix, id })).toBe(base64(blob.bytes));
      }
      const id = `sha1://${blob.hex.toUpperCase()}`;
      const question = { do: "resolve", sources: [prefix], cache: null, id };
      expect(await ask(question)).toBe(base64(blob.bytes));
    });

    test("both miss the same", async () => {
      const blobs = await Promise.all([...Array(24).keys()].map((at) => makeBlob(50, at + 100)));
      const odd: string[] = [];
      for (const [index, { hex, bytes, digest }] of blobs.entries()) {
        const data = base64(bytes);
        // A third by each side, the rest absent, or where neither side looks for it.
        if (index % 6 === 0) await ask({ do: "put", prefix, id: hex, data });
        else if (index % 6 === 1) await store.put(bytes, { digest });
        else if (index % 6 === 2) odd.push(`${prefix}${hex.toUpperCase()}`);
        else if (index % 6 === 3) odd.push(`${prefix}${hex}.bin`);
        else if (index % 6 === 4) odd.push(`${root}elsewhere/${hex}`);
        for (const uri of odd.splice(0)) await ask({ do: "put_raw", uri, data });
      }
      const ids = blobs.map(({ hex }, index) => (index % 2 === 0 ? hex : hex.toUpperCase()));
      const theirs = await ask({ do: "misses", prefix, ids });
      const ours: string[] = [];
      for (const id of ids) {
        if ((await store.open(parseDigest(id))) === undefined) ours.push(id);
      }
      expect(ours).toEqual(theirs);
      expect(ours).toEqual(ids.filter((...[, index]) => index % 6 > 1));
      const stats = await Promise.all(ids.map((id) => store.stat(parseDigest(id))));
      expect(ids.filter((...[, index]) => stats[index] === undefined)).toEqual(theirs);
    });

    test("one's cache is the other's", async () => {
      // Its composite writes a blob of our store back into its cache; ours reads that cache, and
      // the other way round.
      const [first, second] = [await makeBlob(5000, 5), await makeBlob(5000, 6)];
      const cachePrefix = `${root}cache/`;
      const cache = bucketStore(bucket, flatLayout("cache/", "sha1"));
      await store.put(first.bytes, { digest: first.digest });
      const question = { do: "resolve", sources: [prefix], cache: cachePrefix, id: first.hex };
      expect(await ask(question)).toBe(base64(first.bytes));
      expect(await read(cache, first.digest)).toBe(base64(first.bytes));

      await ask({ do: "put", prefix, id: second.hex, data: base64(second.bytes) });
      const source = bucketStore(bucket, flatLayout("files/", "sha1"));
      const tiers = [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "source", source }),
      ];
      const both = composite({ tiers });
      expect(await read(both, second.digest)).toBe(base64(second.bytes));
      // Disposing waits for the fill; it disposes the bucket too, so no test comes after this one.
      await both[Symbol.asyncDispose]();
      const cached = await ask({ do: "get", prefix: cachePrefix, id: second.hex });
      expect(cached).toBe(base64(second.bytes));
    });
  });
});
