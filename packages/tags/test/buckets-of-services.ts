import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { azureBucket } from "@bitstore/bucket-azure";
import { fsBucket } from "@bitstore/bucket-fs";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import { type Bucket, memoryBucket } from "@bitstore/core";
import { inject } from "vitest";
import { type S3Service, uniqueName } from "../../../test/services/services.ts";

/** Opens handles of a bucket that was empty when it was made. */
export interface MadeBucket {
  readonly open: () => Promise<Bucket>;
  readonly dispose: () => Promise<void>;
}

/** A place where buckets are made. */
export interface BucketService {
  readonly name: string;
  /** Whether the run has it. */
  readonly isThere: boolean;
  readonly make: () => Promise<MadeBucket>;
}

const { s3, s3Clone, gcs, azure } = inject("services");

/** Every place where tags may be kept. */
export const bucketServices: readonly BucketService[] = [
  { name: "memory", isThere: true, make: makeInMemory },
  { name: "fs", isThere: true, make: makeDirectory },
  { name: "MinIO", isThere: s3 !== undefined, make: () => makeS3(s3) },
  { name: "versitygw", isThere: s3Clone !== undefined, make: () => makeS3(s3Clone) },
  { name: "fake-gcs-server", isThere: gcs !== undefined, make: makeGcs },
  { name: "Azurite", isThere: azure !== undefined, make: makeAzure },
];

async function makeInMemory(): Promise<MadeBucket> {
  const bucket = memoryBucket();
  return { open: async () => bucket, dispose: async () => undefined };
}

async function makeDirectory(): Promise<MadeBucket> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-tags-"));
  return {
    open: () => fsBucket({ root, create: true }),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

async function makeS3(service: S3Service | undefined): Promise<MadeBucket> {
  if (service === undefined) throw new Error("the run has no such service");
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  const bucket = uniqueName("tags");
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const open = async (): Promise<Bucket> =>
    s3Bucket({ bucket, endpoint, region, credentials: [credentials] });
  return { open, dispose: async () => undefined };
}

async function makeGcs(): Promise<MadeBucket> {
  const endpoint = gcs?.endpoint ?? "";
  const bucket = uniqueName("tags");
  const answer = await fetch(`${endpoint}/storage/v1/b?project=bitstore-test`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: bucket }),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`making the bucket ${bucket}: ${answer.status}`);
  const open = async (): Promise<Bucket> => gcsBucket({ bucket, endpoint, environment: {} });
  return { open, dispose: async () => undefined };
}

async function makeAzure(): Promise<MadeBucket> {
  const connectionString = azure?.connectionString ?? "";
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const container = uniqueName("tags");
  await service.getContainerClient(container).create();
  const open = async (): Promise<Bucket> => azureBucket({ container, connectionString });
  return { open, dispose: async () => undefined };
}
