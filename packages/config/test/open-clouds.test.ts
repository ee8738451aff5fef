import { inject } from "vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { uniqueName } from "../../../test/services/services.ts";
import { newContainer } from "../../bucket-azure/test/azure-container.ts";
import { createBucket } from "../../bucket-gcs/test/create-bucket.ts";
import { makeBucket } from "../../bucket-s3/test/services-of-s3.ts";
import { loadConfig } from "../src/load-config.ts";
import { openTiers } from "../src/open/open-tiers.ts";
import { folderWith } from "./folder.ts";
import { textOf } from "./text-of.ts";

const services = inject("services");
const text = "the bytes of a blob";
const bytes = new TextEncoder().encode(text);

/** Puts a blob by way of a config's only tier and reads it back; shows where its bytes are, too. */
async function roundTrip(tier: string, env: Readonly<Record<string, string>>): Promise<void> {
  const cwd = await folderWith({ "b.yaml": `tiers:\n  - ${tier}\n` });
  const opened = await openTiers(await loadConfig({ cwd, env, file: "b.yaml" }), { env });
  onTestFinished(async () => await opened[Symbol.asyncDispose]());
  const store = opened.tiers[0]?.source;
  const put = await store?.put(bytes);
  expect(put?.outcome).toBe("created");
  if (put === undefined) return;
  expect(await textOf(await store?.open(put.digest))).toBe(text);
  expect(await store?.put(bytes)).toMatchObject({ outcome: "existed" });
  const listed: string[] = [];
  for await (const { digest } of store?.list() ?? []) listed.push(digest);
  expect(listed).toEqual([put.digest]);
}

describe.skipIf(services.s3 === undefined)("S3 by a config", () => {
  it("is opened with keys from the environment, the first of several that are any good", async () => {
    if (services.s3 === undefined) return;
    const { endpoint, region, accessKeyId, secretAccessKey } = services.s3;
    const bucket = await makeBucket(services.s3);
    const keys = `[{ accessKeyId: nobody, secretAccessKey: env:WRONG }, { accessKeyId: env:ID, secretAccessKey: env:SECRET }]`;
    await roundTrip(
      `{ url: "s3://${bucket}/a prefix/?region=${region}", endpoint: "${endpoint}", pathStyle: true, credentials: ${keys} }`,
      { WRONG: "wrong", ID: accessKeyId, SECRET: secretAccessKey },
    );
  });
});

describe.skipIf(services.gcs === undefined)("Google's storage by a config", () => {
  it("is opened at an endpoint, anonymously", async () => {
    if (services.gcs === undefined) return;
    const bucket = uniqueName("gcs");
    await createBucket(services.gcs.endpoint, bucket);
    await roundTrip(
      `{ url: gs://${bucket}/p/, endpoint: "${services.gcs.endpoint}", anonymous: true }`,
      {},
    );
    const other = uniqueName("gcs");
    await createBucket(services.gcs.endpoint, other);
    await roundTrip(`{ url: gs://${other} }`, { STORAGE_EMULATOR_HOST: services.gcs.endpoint });
  });
});

describe.skipIf(services.azure === undefined)("Azure by a config", () => {
  it("is opened with a shared key, and with a connection string", async () => {
    if (services.azure === undefined) return;
    const { endpoint, accountName, accountKey, connectionString } = services.azure;
    const { containerName } = await newContainer();
    await roundTrip(
      `{ url: az://${containerName}/p/, endpoint: "${endpoint}", credentials: { accountName: ${accountName}, accountKey: env:KEY } }`,
      { KEY: accountKey },
    );
    const other = await newContainer();
    await roundTrip(`{ url: az://${other.containerName}/ }`, {
      AZURE_STORAGE_CONNECTION_STRING: connectionString,
    });
  });
});
