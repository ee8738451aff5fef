import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient } from "@azure/storage-blob";
import { loadConfig, openComposite } from "@bitstore/config";
import { type BlobStore, type Digest, parseDigest } from "@bitstore/core";
import { Storage } from "@google-cloud/storage";
import { type TestServices, uniqueName } from "../services/services.ts";
import { startBlobApi } from "./blob-api.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";

export const tierNames = ["s3", "gcs", "azure", "api"] as const;
export type TierName = (typeof tierNames)[number];

/** Three clouds and an API behind a cache on disk, each behind a proxy that counts. */
export interface FourClouds extends AsyncDisposable {
  readonly proxies: Readonly<Record<TierName, CountingProxy>>;
  /** Environment of the command: the credentials of the emulators. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts a blob into one of them; the API needs no put. */
  plant(tier: TierName, bytes: Uint8Array): Promise<Digest>;
}

/** Makes a blob from a number; the API makes it again from its digest. */
export function numberedBlob(index: number, size: number): Uint8Array {
  const blob = Buffer.alloc(size);
  for (let at = 0, block = 0; at < size; at += 64, block += 1) {
    createHash("sha512").update(`${index}/${block}`).digest().copy(blob, at);
  }
  return blob;
}

/** Sets everything up and writes `bitstore.yaml` into the folder. */
export async function fourClouds(services: TestServices, folder: string): Promise<FourClouds> {
  const { s3, gcs, azure } = services;
  if (s3 === undefined || gcs === undefined || azure === undefined) {
    throw new Error("it needs MinIO, fake-gcs-server and Azurite");
  }
  await using opened = new AsyncDisposableStack();
  const name = uniqueName("four");
  const made = new Map<Digest, Uint8Array>();
  const api = opened.use(await startBlobApi((digest) => made.get(digest)));
  const proxies = {
    s3: opened.use(await startCountingProxy(s3.endpoint)),
    gcs: opened.use(await startCountingProxy(gcs.endpoint)),
    azure: opened.use(await startCountingProxy(azure.endpoint)),
    api: opened.use(await startCountingProxy(api.endpoint)),
  };
  const { accessKeyId, secretAccessKey, region } = s3;
  const client = new S3Client({
    endpoint: s3.endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
  await new Storage({ apiEndpoint: gcs.endpoint, projectId: gcs.projectId }).createBucket(name);
  await BlobServiceClient.fromConnectionString(azure.connectionString).createContainer(name);

  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AZURE_STORAGE_CONNECTION_STRING:
      `DefaultEndpointsProtocol=http;AccountName=${azure.accountName};` +
      `AccountKey=${azure.accountKey};BlobEndpoint=${proxies.azure.endpoint};`,
  };
  const config = {
    tiers: [
      { name: "cache", url: "./cache", role: "cache", bytesMax: "4GiB" },
      { name: "s3", url: `s3://${name}/blobs/?region=${region}`, endpoint: proxies.s3.endpoint },
      { name: "gcs", url: `gs://${name}/blobs/`, endpoint: proxies.gcs.endpoint, anonymous: true },
      { name: "azure", url: `az://${name}/blobs/` },
      { name: "api", url: `${proxies.api.endpoint}/blobs/{hex}`, price: "0.001USD" },
    ],
  };
  await mkdir(folder, { recursive: true });
  const file = join(folder, "bitstore.json");
  await writeFile(file, JSON.stringify(config));
  const stores = new Map<TierName, BlobStore>();
  for (const tier of ["s3", "gcs", "azure"] as const) {
    const only = config.tiers.filter((each) => each.name === tier);
    const alone = join(folder, `only-${tier}.json`);
    // The SDK's own chain reads the environment of this process, which has no keys.
    const keys = { accessKeyId, secretAccessKey: "env:AWS_SECRET_ACCESS_KEY" };
    const mine = { origin: true, ...(tier === "s3" ? { credentials: keys } : {}) };
    const writable = { tiers: only.map((each) => ({ ...each, ...mine })) };
    await writeFile(alone, JSON.stringify(writable));
    const loaded = await loadConfig({ cwd: folder, env, file: alone });
    stores.set(tier, opened.use(await openComposite(loaded, { env })).store);
  }
  const all = opened.move();
  return {
    proxies,
    env: { ...env, BITSTORE_CONFIG: file },
    async plant(tier, bytes) {
      if (tier !== "api") {
        const result = await stores.get(tier)?.put(bytes);
        if (result !== undefined) return result.digest;
      }
      const digest = parseDigest(createHash("sha256").update(bytes).digest("hex"));
      made.set(digest, bytes);
      return digest;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Plants blobs 0 to n-1, in turn over the four, some at a time. */
export async function plantMany(
  clouds: FourClouds,
  count: number,
  size: number,
): Promise<readonly Digest[]> {
  const digests = Array.from<Digest>({ length: count });
  const numbers = Array.from({ length: count }, (_, index) => index).values();
  const worker = async (): Promise<void> => {
    for (const index of numbers) {
      const tier = tierNames[index % tierNames.length] ?? "api";
      digests[index] = await clouds.plant(tier, numberedBlob(index, size));
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return digests;
}
