import { describe, expect, test } from "vitest";
import {
  type Bucket,
  bucketStore,
  composite,
  type Composite,
  defineTier,
  digestOf,
  memoryBucket,
  parseDigest,
  retryOf,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { durableTargets, tagLog } from "@bitstore/tags";
import { auditedStore, auditedTags } from "../../src/audit/audited-workspace.ts";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import { type FoundRecord, readAudit } from "../../src/audit/read-audit.ts";
import { verifyAudit } from "../../src/audit/verify-audit.ts";

const limits = { windowMs: 1, pauseMs: 1, attemptsMax: 1 };
const who = { principal: "ci", namespace: "default", requestId: "r1", remote: "127.0.0.1" };
const bytes = new TextEncoder().encode("some bytes");

function storeOf(bucket: Bucket): Composite {
  const source = bucketStore(bucket, shardedLayout(""));
  return composite({
    tiers: [defineTier({ name: "origin", source, role: "source", origin: true })],
  });
}

/** A bucket that takes as many objects as it is told, and refuses all others. */
function failing(inner: Bucket): Bucket & { left: number } {
  const bucket = {
    ...inner,
    left: Number.POSITIVE_INFINITY,
    put: (...call: Parameters<Bucket["put"]>): ReturnType<Bucket["put"]> => {
      if (bucket.left <= 0) {
        const message = "the audit's bucket is full";
        return Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "put", message }));
      }
      bucket.left -= 1;
      return inner.put(...call);
    },
  };
  return bucket;
}

async function recordsOf(bucket: Bucket): Promise<FoundRecord[]> {
  const records: FoundRecord[] = [];
  for await (const record of readAudit(bucket)) records.push(record);
  return records;
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 4);
  yield bytes.subarray(4);
}

describe("an audited store", () => {
  test("tells of each write before and after, with who and what", async () => {
    // A put, the same again, one that fails, a delete, and one of nothing.
    const audit = memoryBucket();
    const log = openAuditLog(audit, { limits });
    const store = auditedStore(storeOf(memoryBucket()), log, who);
    const { digest } = await store.put(() => chunks());
    await store.put(bytes, { digest });
    const wrong = parseDigest(`sha256:${"0".repeat(64)}`);
    await expect(store.put(bytes, { digest: wrong })).rejects.toThrow("not what the digest names");
    expect(await store.delete(digest)).toBe(true);
    expect(await store.delete(digest)).toBe(false);
    const records = await recordsOf(audit);
    expect(records.map(({ phase, operation, result }) => [phase, operation, result])).toEqual([
      ["intent", "put", undefined],
      ["outcome", "put", "created"],
      ["intent", "put", undefined],
      ["outcome", "put", "existed"],
      ["intent", "put", undefined],
      ["outcome", "put", "DIGEST_MISMATCH"],
      ["intent", "delete", undefined],
      ["outcome", "delete", "done"],
      ["intent", "delete", undefined],
      ["outcome", "delete", "absent"],
    ]);
    expect(records[1]).toMatchObject({ ...who, digest, size: bytes.byteLength });
    for (let at = 0; at < records.length; at += 2) {
      expect(records[at + 1]?.id).toBe(records[at]?.id);
    }
  });

  test("changes nothing where the intent can't be written", async () => {
    // A stream, bytes, a stream of known size, and a delete: the store must be as it was.
    const audit = failing(memoryBucket());
    const blobs = memoryBucket();
    const plain = storeOf(blobs);
    const { digest } = await plain.put(new Uint8Array(5));
    const before = blobs.size;
    audit.left = 0;
    const store = auditedStore(plain, openAuditLog(audit, { limits }), who);
    const size = bytes.byteLength;
    const named = await digestOf(bytes, "sha256");
    await expect(store.put(() => chunks())).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(store.put(() => chunks(), { digest: named, size })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    await expect(store.put(bytes)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(store.delete(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(blobs.size).toBe(before);
    expect(await store.stat(digest)).toMatchObject({ size: 5 });
  });

  test("acknowledges nothing whose outcome can't be written", async () => {
    // The intent stands alone in the log: it tells that something may have been done.
    const audit = failing(memoryBucket());
    const store = auditedStore(storeOf(memoryBucket()), openAuditLog(audit, { limits }), who);
    audit.left = 1;
    await expect(store.put(bytes)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect((await recordsOf(audit)).map(({ phase }) => phase)).toEqual(["intent"]);
  });
});

describe("audited tags", () => {
  test("anchor the heads of their chains, so that a history made anew is found", async () => {
    // The tag's newest entry is replaced by another one that its own log can't tell from it.
    const audit = memoryBucket();
    const metadata = memoryBucket();
    const store = storeOf(memoryBucket());
    const plain = tagLog(metadata, { checkTarget: durableTargets(store) });
    const tags = auditedTags(plain, openAuditLog(audit, { limits }), who);
    const one = await store.put(bytes);
    const two = await store.put(new Uint8Array(7));
    await tags.append("team/a", one.digest);
    await tags.annotate("team/a", { why: "checked" });
    await tags.remove("team/a", { reason: "old" });
    const entry = await tags.rollback("team/a", 1);
    const records = (await recordsOf(audit)).filter(({ phase }) => phase === "outcome");
    expect(records.map(({ operation, seq, tag }) => [operation, seq, tag])).toEqual([
      ["tag.set", 1, "team/a"],
      ["tag.annotate", 2, "team/a"],
      ["tag.delete", 3, "team/a"],
      ["tag.rollback", 4, "team/a"],
    ]);
    expect(records.at(-1)).toMatchObject({ sha256: entry.sha256, digest: one.digest });
    const tagsOf = (): Promise<typeof plain> => Promise.resolve(reopened());
    const reopened = (): typeof plain => tagLog(metadata, { checkTarget: durableTargets(store) });
    expect((await verifyAudit(audit, { tagsOf })).problems).toEqual([]);
    const keys: string[] = [];
    for await (const { key } of metadata.list("v1/default/t/")) keys.push(key);
    await metadata.delete(keys[0] ?? "");
    await reopened().append("team/a", two.digest);
    expect((await verifyAudit(audit, { tagsOf })).problems).toMatchObject([
      { problem: "entry 4 of the tag team/a is not what was recorded" },
    ]);
  });

  test("whose outcome can't be written say how to ask again", async () => {
    // Asked again with what the error says, the tag has moved once.
    const audit = failing(memoryBucket());
    const store = storeOf(memoryBucket());
    const plain = tagLog(memoryBucket(), { checkTarget: durableTargets(store) });
    const tags = auditedTags(plain, openAuditLog(audit, { limits }), who);
    const { digest } = await store.put(bytes);
    audit.left = 1;
    const error = await tags.append("a", digest).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "INDETERMINATE" });
    const retry = retryOf(error as StoreError);
    audit.left = 100;
    expect(await tags.append("a", digest, { ...retry })).toMatchObject({ seq: 1 });
    expect((await plain.head("a"))?.seq).toBe(1);
    audit.left = 0;
    await expect(tags.remove("a")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect((await plain.head("a"))?.seq).toBe(1);
  });
});
