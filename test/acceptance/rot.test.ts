import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { azureBucket } from "@bitstore/bucket-azure";
import { fsBucket } from "@bitstore/bucket-fs";
import { gcsBucket } from "@bitstore/bucket-gcs";
import { s3Bucket } from "@bitstore/bucket-s3";
import {
  type Bucket,
  bucketStore,
  composite,
  defineTier,
  digestOf,
  flatLayout,
  hexOf,
  isStoreError,
  type Layout,
  listCopies,
  memoryBucket,
  type ScrubFinding,
  scrubCopies,
  shardedLayout,
} from "@bitstore/core";
import { describe, expect, inject, test } from "vitest";
import { newContainer } from "../../packages/bucket-azure/test/azure-container.ts";
import { createBucket } from "../../packages/bucket-gcs/test/create-bucket.ts";
import { makeBucket, optionsOf } from "../../packages/bucket-s3/test/services-of-s3.ts";
import { uniqueName } from "../services/services.ts";

// Rot that is planted in a cache tier of a real service is found by readers, by those who heal it at a
// time, and by a scrub; each time the wrong bytes are kept aside and replaced under their version.

const { s3, s3Clone, gcs, azure } = inject("services");

const bytes = new TextEncoder().encode("what the digest names");
const rot = new TextEncoder().encode("WHAT the digest names");
const digest = await digestOf(bytes, "sha256");
const found = await digestOf(rot, "sha256");

async function keysOf(bucket: Bucket, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
}

async function textOf(bucket: Bucket, key: string): Promise<string> {
  const content = await bucket.read(key);
  return new TextDecoder().decode(await content?.bytes());
}

async function expectHealed(bucket: Bucket, layout: Layout): Promise<void> {
  const kept = `${layout.root}quarantine/${layout.key(digest).slice(layout.root.length)}`;
  expect(await textOf(bucket, layout.key(digest))).toBe("what the digest names");
  expect(await textOf(bucket, `${kept}/${hexOf(found)}`)).toBe("WHAT the digest names");
  expect(await keysOf(bucket, `${layout.root}quarantine/`)).toEqual([
    `${kept}/${hexOf(found)}`,
    `${kept}/${hexOf(found)}.json`,
  ]);
  const listed: string[] = [];
  for await (const each of bucketStore(bucket, layout).list()) listed.push(each.digest);
  expect(listed).toEqual([digest]);
}

async function expectEachHealed(bucket: Bucket): Promise<void> {
  const layouts = [
    shardedLayout("readers/"),
    flatLayout("healers-", "sha256"),
    shardedLayout("scrub/"),
  ] as const;
  for (const layout of layouts) await bucket.put(layout.key(digest), rot);

  const origin = bucketStore(memoryBucket(), shardedLayout(""));
  await origin.put(bytes);
  const tierOf = (layout: Layout) =>
    defineTier({ name: "cache", source: bucketStore(bucket, layout), role: "cache" });
  const behind = defineTier({ name: "origin", source: origin, origin: true });

  const readers = composite({ tiers: [tierOf(layouts[0]), behind] });
  const read = async (): Promise<Uint8Array | undefined> =>
    await (await readers.open(digest))?.bytes();
  const contents = await Promise.all(Array.from({ length: 16 }, read));
  for (const content of contents) expect(Buffer.compare(content ?? rot, bytes)).toBe(0);
  await readers.drain();
  await expectHealed(bucket, layouts[0]);

  // Two processes that come upon it at a time: one replaces it, the other finds it right.
  const heal = () => bucketStore(bucket, layouts[1]).put(bytes, { digest });
  const outcomes = (await Promise.all([heal(), heal()])).map(({ outcome }) => outcome);
  expect(outcomes.sort()).toEqual(["created", "existed"]);
  await expectHealed(bucket, layouts[1]);

  const tier = tierOf(layouts[2]);
  const best = composite({ tiers: [tier, behind] });
  const findings: ScrubFinding[] = [];
  const report = (finding: ScrubFinding): void => void findings.push(finding);
  await scrubCopies(listCopies([tier]), { best, report });
  expect(findings.flatMap(({ checks }) => checks)).toMatchObject([
    { digest, status: "corrupt", repair: { outcome: "repaired" } },
  ]);
  await expectHealed(bucket, layouts[2]);

  // Whoever comes with the version that was wrong is too late.
  const stale = bucket.put(layouts[2].key(digest), rot, { ifVersion: "0" });
  await expect(stale).rejects.toSatisfy((error) => isStoreError(error, "PRECONDITION_FAILED"));
}

describe("rot", () => {
  test("is healed in a directory", async () => {
    const root = await mkdtemp(join(tmpdir(), "bitstore-rot-"));
    try {
      await expectEachHealed(await fsBucket({ root }));
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test.skipIf(s3 === undefined)("is healed in MinIO", async () => {
    if (s3 === undefined) return;
    await using bucket = s3Bucket(optionsOf(s3, await makeBucket(s3)));
    await expectEachHealed(bucket);
  });

  test.skipIf(s3Clone === undefined)("is healed in versitygw", async () => {
    if (s3Clone === undefined) return;
    await using bucket = s3Bucket(optionsOf(s3Clone, await makeBucket(s3Clone)));
    await expectEachHealed(bucket);
  });

  test.skipIf(gcs === undefined)("is healed in fake-gcs-server", async () => {
    if (gcs === undefined) return;
    const { endpoint } = gcs;
    const name = uniqueName("rot");
    await createBucket(endpoint, name);
    await using bucket = gcsBucket({ bucket: name, endpoint, environment: {} });
    await expectEachHealed(bucket);
  });

  test.skipIf(azure === undefined)("is healed in Azurite", async () => {
    if (azure === undefined) return;
    const { connectionString } = azure;
    const { containerName: container } = await newContainer();
    await using bucket = azureBucket({ container, connectionString });
    await expectEachHealed(bucket);
  });
});
