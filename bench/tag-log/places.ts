import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { fsBucket } from "@bitstore/bucket-fs";
import { s3Bucket } from "@bitstore/bucket-s3";
import { type Bucket, memoryBucket } from "@bitstore/core";
import type { S3Service } from "../../test/services/services.ts";

/** Where tags are kept in a measurement. */
export interface Place {
  readonly name: string;
  /** Makes an empty bucket. */
  readonly make: () => Promise<Bucket>;
}

export interface Places {
  readonly all: readonly Place[];
  readonly dispose: () => Promise<void>;
}

/** Memory, a directory, and MinIO where the machine has it. */
export async function openPlaces(s3: S3Service | undefined): Promise<Places> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-bench-"));
  let made = 0;
  const all: Place[] = [
    { name: "memory", make: async () => memoryBucket() },
    {
      name: "fs",
      make: () => {
        made += 1;
        return fsBucket({ root: join(root, String(made)), create: true });
      },
    },
  ];
  if (s3 !== undefined) all.push({ name: "MinIO", make: () => makeOnS3(s3) });
  return { all, dispose: () => rm(root, { recursive: true, force: true }) };
}

async function makeOnS3(service: S3Service): Promise<Bucket> {
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  const bucket = `bench-${crypto.randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return s3Bucket({ bucket, endpoint, region, credentials: [credentials] });
}
