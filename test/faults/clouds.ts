import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { loadConfig, type OpenComposite, openComposite } from "@bitstore/config";
import type { CompositeOptions } from "@bitstore/core";
import type { AzureService, GcsService, S3Service, TestServices } from "../services/services.ts";

export type CloudName = "minio" | "versitygw" | "fake-gcs" | "azurite";

/** A tier as it stands in a config. */
export type TierDraft = Readonly<Record<string, unknown>>;

/** One of the four services, seen as a place for blobs, by whatever way it is reached. */
export interface Cloud {
  readonly name: CloudName;
  readonly endpoint: string;
  makeBucket(bucket: string): Promise<void>;
  /** The tier of a config that lies in a bucket, reached at an endpoint. */
  tier(bucket: string, endpoint: string): TierDraft;
  /** What the tier's credentials refer to. */
  readonly env: Readonly<Record<string, string>>;
}

/** The services that are there, as clouds. */
export function cloudsOf({ s3, s3Clone, gcs, azure }: TestServices): readonly Cloud[] {
  return [
    ...(s3 === undefined ? [] : [s3Cloud("minio", s3)]),
    ...(s3Clone === undefined ? [] : [s3Cloud("versitygw", s3Clone)]),
    ...(gcs === undefined ? [] : [gcsCloud(gcs)]),
    ...(azure === undefined ? [] : [azureCloud(azure)]),
  ];
}

export function s3Cloud(name: "minio" | "versitygw", service: S3Service): Cloud {
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  const secret = name === "minio" ? "MINIO_SECRET" : "VERSITYGW_SECRET";
  return {
    name,
    endpoint,
    async makeBucket(bucket) {
      const credentials = { accessKeyId, secretAccessKey };
      const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
    },
    tier: (bucket, at) => ({
      url: `s3://${bucket}/blobs/?region=${region}`,
      endpoint: at,
      pathStyle: true,
      credentials: { accessKeyId, secretAccessKey: `env:${secret}` },
    }),
    env: { [secret]: secretAccessKey },
  };
}

export function gcsCloud({ endpoint, projectId }: GcsService): Cloud {
  return {
    name: "fake-gcs",
    endpoint,
    async makeBucket(bucket) {
      const answer = await fetch(`${endpoint}/storage/v1/b?project=${projectId}`, {
        method: "POST",
        headers: { "content-type": "application/json", connection: "close" },
        body: JSON.stringify({ name: bucket }),
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`making the bucket ${bucket}: ${answer.status}`);
    },
    tier: (bucket, at) => ({ url: `gs://${bucket}/blobs/`, endpoint: at, anonymous: true }),
    env: {},
  };
}

export function azureCloud(service: AzureService): Cloud {
  const { connectionString, endpoint, accountName, accountKey } = service;
  return {
    name: "azurite",
    endpoint,
    async makeBucket(bucket) {
      await BlobServiceClient.fromConnectionString(connectionString).createContainer(bucket);
    },
    tier: (bucket, at) => ({
      url: `az://${bucket}/blobs/`,
      endpoint: at,
      credentials: { accountName, accountKey: "env:AZURE_KEY" },
    }),
    env: { AZURE_KEY: accountKey },
  };
}

let configs = 0;

/** Opens tiers as the command does: by a config in a file of the folder. */
export async function openClouds(
  folder: string,
  tiers: readonly TierDraft[],
  env: Readonly<Record<string, string>>,
  options: Omit<CompositeOptions, "tiers"> = {},
  metadata?: string,
): Promise<OpenComposite> {
  configs += 1;
  const file = join(folder, `config-${configs}.json`);
  await writeFile(file, JSON.stringify({ tiers, metadata }));
  const config = await loadConfig({ cwd: folder, env, file });
  return await openComposite(config, { env, clock: options.clock }, options);
}
