import { memoryBucket, parseDigest } from "@bitstore/core";
import { listNamespaces, pins, tagLog, trustTargets } from "@bitstore/tags";
import { describe, expect, it } from "vitest";
import { all, digestNumber } from "./digests.ts";

// Pins are logs of their own: they come and go, stay apart from tags and other namespaces, and keep
// their history.

describe("pins", () => {
  it("come and go, and are told with who and why", async () => {
    const bucket = memoryBucket();
    const pinned = pins(bucket, { checkTarget: trustTargets, actor: "ada" });
    await pinned.pin(digestNumber(2), { reason: "audit" });
    await pinned.pin(digestNumber(1));
    await expect(all(pinned.list())).resolves.toEqual([digestNumber(1), digestNumber(2)]);
    await expect(pinned.stat(digestNumber(2))).resolves.toMatchObject({
      actor: "ada",
      reason: "audit",
    });
    await expect(pinned.unpin(digestNumber(2))).resolves.toBe(true);
    await expect(pinned.unpin(digestNumber(2))).resolves.toBe(false);
    await expect(pinned.stat(digestNumber(2))).resolves.toBeUndefined();
    await expect(all(pinned.list())).resolves.toEqual([digestNumber(1)]);
    await pinned.pin(digestNumber(2));
    await expect(pinned.stat(digestNumber(2))).resolves.toMatchObject({ seq: 3 });
  });

  it("tell what was pinned, so that a collection keeps what it names", async () => {
    const pinned = pins(memoryBucket(), { checkTarget: trustTargets });
    await pinned.pin(digestNumber(1), { mediaType: "application/json" });
    await pinned.pin(digestNumber(2));
    await pinned.unpin(digestNumber(2));
    const entries = await all(pinned.entries());
    expect(entries.map(({ target }) => target)).toEqual([
      { digest: digestNumber(1), mediaType: "application/json" },
    ]);
  });

  it("are written once where two pin the same", async () => {
    const bucket = memoryBucket();
    const pinned = pins(bucket, { checkTarget: trustTargets });
    await pinned.pin(digestNumber(1));
    await expect(pinned.pin(digestNumber(1))).resolves.toMatchObject({ seq: 1 });
  });

  it("take the longest digests", async () => {
    const pinned = pins(memoryBucket(), { checkTarget: trustTargets });
    const long = parseDigest(`sha512:${"f".repeat(128)}`);
    await pinned.pin(long);
    await expect(all(pinned.list())).resolves.toEqual([long]);
  });

  it("are no tags, and their namespace's own", async () => {
    const bucket = memoryBucket();
    await pins(bucket, { checkTarget: trustTargets }).pin(digestNumber(1));
    const other = { checkTarget: trustTargets, namespace: "other" };
    await tagLog(bucket, other).append("a", digestNumber(3));
    await expect(all(tagLog(bucket, { checkTarget: trustTargets }).list())).resolves.toEqual([]);
    await expect(all(pins(bucket, other).list())).resolves.toEqual([]);
    await expect(all(listNamespaces(bucket))).resolves.toEqual(["default", "other"]);
    expect(() => tagLog(bucket, { ...other, namespace: "../x" })).toThrow(/is no namespace/);
  });
});
