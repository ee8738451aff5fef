import { type Bucket, isStoreError } from "@bitstore/core";
import { azureBucket } from "@bitstore/bucket-azure";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import { describe, expect, inject, test } from "vitest";
import { type S3Service, uniqueName } from "../../../test/services/services.ts";
import { newContainer } from "../../bucket-azure/test/azure-container.ts";
import { createBucket } from "../../bucket-gcs/test/create-bucket.ts";
import { makeBucket } from "../../bucket-s3/test/services-of-s3.ts";
import { bucketProbeNames, carriesTags, type ProbeResult } from "../src/index.ts";
import { namesOf, probed } from "./probe-support.ts";

// The doctor looks at real services. All of them carry tags, and where an emulator does something
// otherwise than the service that it stands for, the probe that shows it is named here.

const { s3, s3Clone, gcs, azure } = inject("services");

/** Fails unless all holds but what is named, and unless nothing is left of the run. */
async function expectHealthy(bucket: Bucket): Promise<ReadonlyMap<string, ProbeResult>> {
  const results = await probed(bucket, { throughput: true });
  const shown = [...results.values()].map(({ name, outcome, detail }) => ({
    name,
    outcome,
    detail,
  }));
  const bad = shown.filter(({ outcome }) => outcome === "no" || outcome === "unknown");
  expect(bad).toEqual([]);
  expect([...results.keys()]).toEqual(bucketProbeNames);
  expect(namesOf(results, "skipped")).toEqual(["redirects"]);
  expect(carriesTags([...results.values()])).toBe(true);
  expect(Math.abs(results.get("clock")?.figures["skewMs"] ?? Number.NaN)).toBeLessThan(60_000);
  for await (const { key } of bucket.list("")) expect.fail(`${key} was left`);
  return results;
}

async function openS3(service: S3Service | undefined, name?: string): Promise<Bucket> {
  if (service === undefined) throw new Error("the run has no such service");
  const { endpoint, region, accessKeyId, secretAccessKey } = service;
  return s3Bucket({
    bucket: name ?? (await makeBucket(service)),
    endpoint,
    region,
    credentials: [{ accessKeyId, secretAccessKey }],
  });
}

describe.skipIf(s3 === undefined)("on MinIO", () => {
  test("all holds, and nothing is left", async () => {
    // MinIO ignores If-Match on DELETE, which nobody here relies on.
    await using bucket = await openS3(s3);
    await expectHealthy(bucket);
  });

  test("a bucket that does not exist can't be reached", async () => {
    // One line says why; nothing else is asked.
    await using bucket = await openS3(s3, uniqueName("missing"));
    const results = await probed(bucket);
    expect(namesOf(results, "no")).toEqual(["reachable"]);
    expect(results.get("reachable")?.detail).toContain("bucket");
  });

  test("keys that are wrong are told as that", async () => {
    // The secret is another, so that every signature is.
    const { endpoint, region, accessKeyId } = s3 ?? expect.fail("no service");
    const credentials = [{ accessKeyId, secretAccessKey: "not-the-secret" }];
    await using bucket = s3Bucket({ bucket: "any-bucket", endpoint, region, credentials });
    const results = await probed(bucket);
    expect(namesOf(results, "no")).toEqual(["reachable"]);
    expect(results.get("reachable")?.code).toBe("UNAUTHENTICATED");
  });
});

describe.skipIf(s3Clone === undefined)("on versitygw", () => {
  test("all holds, and nothing is left", async () => {
    await using bucket = await openS3(s3Clone);
    await expectHealthy(bucket);
  });
});

describe.skipIf(gcs === undefined)("on fake-gcs-server", () => {
  test("all holds, and nothing is left", async () => {
    const endpoint = gcs?.endpoint ?? "";
    const name = uniqueName("doctor");
    await createBucket(endpoint, name);
    await using bucket = gcsBucket({ bucket: name, endpoint, environment: {} });
    await expectHealthy(bucket);
  });
});

describe.skipIf(azure === undefined)("on Azurite", () => {
  test("all holds, and nothing is left", async () => {
    const { containerName } = await newContainer();
    const connectionString = azure?.connectionString ?? "";
    await using bucket = azureBucket({ container: containerName, connectionString });
    await expectHealthy(bucket);
  });
});

test("nobody at the address: the doctor says so, and throws nothing", async () => {
  // Port 9 of this machine answers nothing.
  const credentials = [{ accessKeyId: "id", secretAccessKey: "secret" }];
  const at = { endpoint: "http://127.0.0.1:9", region: "us-east-1" };
  await using bucket = s3Bucket({ bucket: "nobody", ...at, credentials });
  const results = await probed(bucket).catch((error: unknown) =>
    expect.fail(isStoreError(error) ? error.message : String(error)),
  );
  expect(results.get("reachable")).toMatchObject({ outcome: "no", code: "UNAVAILABLE" });
  expect(namesOf(results, "skipped")).toHaveLength(bucketProbeNames.length - 1);
});
