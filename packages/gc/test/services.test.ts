import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { azureBucket } from "@bitstore/bucket-azure";
import { fsBucket } from "@bitstore/bucket-fs";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type Digest,
  flatLayout,
  shardedLayout,
} from "@bitstore/core";
import { placeOf } from "@bitstore/tags";
import { describe, expect, inject, test } from "vitest";
import { type S3Service, uniqueName } from "../../../test/services/services.ts";
import { newContainer } from "../../bucket-azure/test/azure-container.ts";
import { createBucket } from "../../bucket-gcs/test/create-bucket.ts";
import { makeBucket } from "../../bucket-s3/test/services-of-s3.ts";
import { collectGarbage, enableGc, type GcFate, graceMsMin } from "../src/index.ts";

// A blob's whole way over real services: put, swept, read from the trash, swept again, purged; and one
// that is named stays. The service's clock is shown later than it is, so that nobody has to wait.

const { s3, s3Clone, gcs, azure } = inject("services");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function expectBytes(store: BlobStore, digest: Digest, expected: Uint8Array): Promise<void> {
  const got = await (await store.open(digest))?.bytes();
  expect(Buffer.compare(got ?? new Uint8Array(), expected)).toBe(0);
}

async function wholeWay(service: Bucket): Promise<void> {
  for (const layout of [shardedLayout("tree/"), flatLayout("flat/", "sha256")]) {
    let laterMs = 0;
    const bucket: Bucket = {
      ...service,
      serviceTime() {
        const time = service.serviceTime();
        return time === undefined ? undefined : new Date(time.getTime() + laterMs);
      },
    };
    const store = bucketStore(bucket, layout);
    const large = new Uint8Array(3 * 2 ** 20).fill(5);
    const named = (await store.put(bytes("named"))).digest;
    const garbage = [(await store.put(bytes("garbage"))).digest, (await store.put(large)).digest];
    await enableGc(bucket, layout, {
      metadataId: "m",
      metadataPlace: placeOf(bucket),
      graceMs: graceMsMin,
    });
    const fates = async (): Promise<Partial<Record<GcFate, number>>> => {
      const report = await collectGarbage({
        tiers: [{ name: "tier", bucket, layout }],
        metadata: bucket,
        metadataId: "m",
        roots: {
          async *namespaces() {
            yield "n";
          },
          tags: () => ({ async *list() {} }) as never,
          async *pins() {
            yield { digest: named };
          },
          async *leases() {},
        },
        blobs: store,
        dryRun: false,
      });
      const found = Object.entries(report.tiers[0]?.fates ?? {});
      return Object.fromEntries(
        found.flatMap(([fate, { count }]) => (count > 0 ? [[fate, count]] : [])),
      );
    };
    await expect(fates()).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    laterMs = graceMsMin / 2;
    expect(await fates()).toEqual({ named: 1, young: 2 });
    laterMs = graceMsMin * 1.1;
    expect(await fates()).toEqual({ named: 1, swept: 2 });
    const fresh = bucketStore(bucket, layout);
    for await (const { digest } of fresh.list()) expect(digest).toBe(named);
    await expectBytes(fresh, garbage[1] ?? named, large);
    expect(await fates()).toEqual({ named: 1, kept: 2, swept: 1 });
    laterMs = graceMsMin * 2.1;
    expect(await fates()).toEqual({ named: 1, purged: 3 });
    for (const digest of garbage) expect(await fresh.stat(digest)).toBeUndefined();
    await expectBytes(fresh, named, bytes("named"));
    // A put of what has been there for long renews it: it is not old any more.
    const before = await bucket.head(layout.key(named));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await fresh.put(bytes("named"))).toMatchObject({ outcome: "existed" });
    const after = await bucket.head(layout.key(named));
    expect(after?.modifiedAt?.getTime()).toBeGreaterThan(before?.modifiedAt?.getTime() ?? 0);
  }
}

async function openS3(service: S3Service | undefined): Promise<Bucket> {
  if (service === undefined) throw new Error("the run has no such service");
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  return s3Bucket({
    bucket: await makeBucket(service),
    endpoint,
    region,
    credentials: [{ accessKeyId, secretAccessKey }],
  });
}

test("a garbage collection in a directory", async () => {
  const root = await mkdtemp(join(tmpdir(), "bitstore-gc-"));
  try {
    await using bucket = await fsBucket({ root, create: true, fsync: false });
    await wholeWay(bucket);
  } finally {
    await rm(root, { recursive: true });
  }
});

describe.skipIf(s3 === undefined)("a garbage collection on MinIO", () => {
  test("goes its whole way", async () => {
    await using bucket = await openS3(s3);
    await wholeWay(bucket);
  });
});

describe.skipIf(s3Clone === undefined)("a garbage collection on versitygw", () => {
  test("goes its whole way", async () => {
    await using bucket = await openS3(s3Clone);
    await wholeWay(bucket);
  });
});

describe.skipIf(gcs === undefined)("a garbage collection on fake-gcs-server", () => {
  test("goes its whole way", async () => {
    const endpoint = gcs?.endpoint ?? "";
    const name = uniqueName("gc");
    await createBucket(endpoint, name);
    await using bucket = gcsBucket({ bucket: name, endpoint, environment: {} });
    await wholeWay(bucket);
  });
});

describe.skipIf(azure === undefined)("a garbage collection on Azurite", () => {
  test("goes its whole way", async () => {
    const { containerName } = await newContainer();
    const connectionString = azure?.connectionString ?? "";
    await using bucket = azureBucket({ container: containerName, connectionString });
    await wholeWay(bucket);
  });
});
