import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { azureBucket } from "@bitstore/bucket-azure";
import { fsBucket } from "@bitstore/bucket-fs";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import {
  type Bucket,
  bucketStore,
  type Composite,
  composite,
  createDisposal,
  defineTier,
  memoryBucket,
  prefixed,
  shardedLayout,
  type TierOptions,
} from "@bitstore/core";
import { createServer, type Workspace } from "@bitstore/server";
import { durableTargets, tagLog } from "@bitstore/tags";
import { inject } from "vitest";
import { uniqueName } from "../../../test/services/services.ts";

/** What a server serves, and what it leaves behind. */
interface Place extends AsyncDisposable {
  readonly store: Composite;
  readonly metadata: Bucket;
}

/** A kind of store that a server is put before. */
export interface Backend {
  readonly name: string;
  readonly isThere: boolean;
  readonly open: () => Promise<Place>;
}

/** A server that listens. */
export interface LiveServer extends AsyncDisposable {
  readonly url: string;
  readonly workspace: Workspace;
}

const { s3, gcs, azure } = inject("services");

export const backends: readonly Backend[] = [
  { name: "memory", isThere: true, open: inMemory },
  { name: "fs", isThere: true, open: inDirectory },
  {
    name: "three clouds",
    isThere: s3 !== undefined && gcs !== undefined && azure !== undefined,
    open: inClouds,
  },
];

/** Starts a server before a fresh place of a kind. */
export async function liveServer(backend: Backend): Promise<LiveServer> {
  const place = await backend.open();
  const { store, metadata } = place;
  const tags = tagLog(metadata, { checkTarget: durableTargets(store), limits: { pollMs: 50 } });
  const workspace: Workspace = {
    namespace: "default",
    store,
    tags,
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
  const server = createServer({ open: () => Promise.resolve(workspace) });
  const { url } = await server.listen();
  return { url, workspace, [Symbol.asyncDispose]: () => server.close({ drainMs: 100 }) };
}

function tierOf(name: string, bucket: Bucket, more: Partial<TierOptions>): TierOptions {
  return { name, source: bucketStore(bucket, shardedLayout("blobs/"), { name }), ...more };
}

async function inMemory(): Promise<Place> {
  const bucket = memoryBucket();
  const metadata = memoryBucket();
  const store = composite({ tiers: [defineTier(tierOf("memory", bucket, { origin: true }))] });
  return { store, metadata, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

async function inDirectory(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-client-"));
  const bucket = await fsBucket({ root: join(root, "blobs"), create: true, fsync: false });
  const metadata = await fsBucket({ root: join(root, "metadata"), create: true, fsync: false });
  const store = composite({ tiers: [defineTier(tierOf("disk", bucket, { origin: true }))] });
  return {
    store,
    metadata,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await metadata[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function inClouds(): Promise<Place> {
  const [one, two, three] = [await s3Of(), await gcsOf(), await azureOf()];
  const store = composite({
    tiers: [
      defineTier(tierOf("s3-cache", prefixed(one, "cache/"), { role: "cache" })),
      defineTier(tierOf("gcs", two, {})),
      defineTier(tierOf("azure", three, { origin: true, fill: ["s3-cache"] })),
    ],
  });
  const opened = createDisposal();
  opened.add(one);
  opened.add(store);
  return {
    store,
    metadata: prefixed(one, "metadata/"),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

async function s3Of(): Promise<Bucket> {
  if (s3 === undefined) throw new Error("the run has no S3");
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  const bucket = uniqueName("client");
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return s3Bucket({ bucket, endpoint, region, credentials: [credentials] });
}

async function gcsOf(): Promise<Bucket> {
  const endpoint = gcs?.endpoint ?? "";
  const bucket = uniqueName("client");
  const answer = await fetch(`${endpoint}/storage/v1/b?project=bitstore-test`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: bucket }),
  });
  await answer.body?.cancel();
  return gcsBucket({ bucket, endpoint, environment: {} });
}

async function azureOf(): Promise<Bucket> {
  const connectionString = azure?.connectionString ?? "";
  const container = uniqueName("client");
  const service = BlobServiceClient.fromConnectionString(connectionString);
  await service.getContainerClient(container).create();
  return azureBucket({ container, connectionString });
}
