import { bucketStore, collect, memoryBucket, formatBytes } from "@bitstore/core";
import { placeOf, tagLog, trustTargets } from "@bitstore/tags";
import { describe, expect, test } from "vitest";
import { enableGc, graceMsDefault, graceMsMin, metadataIdOf, metadataRoots } from "../src/index.ts";
import {
  anewBeforeEach,
  bucket,
  date,
  dayMs,
  fatesOf,
  layout,
  metadata,
  pass,
  put,
  run,
} from "./gc-world.ts";

anewBeforeEach();

describe("a tier that may be collected", () => {
  test("names one metadata bucket, and has done so for ten minutes", async () => {
    const other = memoryBucket("other", date);
    const options = { tiers: [{ name: "other", bucket: other, layout }] };
    await expect(run(options)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const id = await metadataIdOf(metadata);
    await enableGc(other, layout, { metadataId: "another", metadataPlace: "elsewhere" });
    pass(10 * 60_000 + 1);
    await expect(run(options)).rejects.toThrow("decided by the metadata bucket another");
    await expect(
      enableGc(other, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const third = memoryBucket("third", date);
    expect(
      await enableGc(third, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).toBe("enabled");
    expect(
      await enableGc(third, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).toBe("unchanged");
    expect(
      await enableGc(third, layout, {
        metadataId: id,
        metadataPlace: placeOf(metadata),
        graceMs: graceMsMin,
      }),
    ).toBe("changed");
    const tiers = [{ name: "third", bucket: third, layout }];
    pass(10 * 60_000);
    await expect(run({ tiers })).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    pass(1);
    expect(await run({ tiers })).toMatchObject({ tiers: [{ graceMs: graceMsMin }] });
    await expect(
      enableGc(third, layout, {
        metadataId: id,
        metadataPlace: placeOf(metadata),
        graceMs: graceMsMin - 1,
      }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const lacking = { ...third, capabilities: { ...third.capabilities, replaceIfMatch: false } };
    await expect(
      enableGc(lacking, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).rejects.toThrow("replaceIfMatch");
  });

  // A backup has the same id, and lacks what was tagged since: by it that would be swept.
  test("is not collected by a copy of its metadata", async () => {
    const copy = memoryBucket("backup", date);
    for await (const { key } of metadata.list("")) {
      await copy.put(key, (await (await metadata.read(key))?.bytes()) ?? new Uint8Array());
    }
    const refused = await metadataIdOf(copy).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CONFIG_INVALID" });
    expect(String(refused)).toContain("may be a copy");
    // Also where somebody has set a tag in the copy, or gives the id by hand.
    await tagLog(copy, { checkTarget: trustTargets }).append("t", await put("t"));
    expect(await metadataIdOf(copy)).toBe(await metadataIdOf(metadata));
    const byCopy = { metadata: copy, roots: metadataRoots(copy) };
    pass(2 * dayMs);
    await expect(run(byCopy)).rejects.toThrow("may be a copy of it");
    await expect(run({ ...byCopy, dryRun: true })).rejects.toThrow("may be a copy of it");
    const metadataId = await metadataIdOf(copy);
    const enabling = { metadataId, metadataPlace: placeOf(copy), graceMs: dayMs };
    expect(await enableGc(bucket, layout, enabling)).toBe("changed");
    pass(dayMs);
    expect(fatesOf(await run(byCopy))).toEqual({ named: 2 });
    await expect(run()).rejects.toThrow("enable gc again");
  });

  test("is not collected by what was proved nowhere, unless that is meant", async () => {
    const single = memoryBucket("single", date);
    const log = tagLog(single, { checkTarget: trustTargets, unsafeSingleWriter: true });
    await log.append("t", await put("t"));
    await expect(metadataIdOf(single)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await metadataIdOf(single, { unproved: true })).toMatch(/./);
  });

  // Whoever writes the format by hand can't make what was just put garbage.
  test.each([1, graceMsMin - 1])("has a grace of an hour at least, not %i ms", async (graceMs) => {
    const gc = {
      metadata: await metadataIdOf(metadata),
      metadataPlace: placeOf(metadata),
      graceMs,
    };
    const format = { layout: layout.name, minReader: 2, minWriter: 2, gc };
    await bucket.put(`${layout.root}_bitstore.json`, formatBytes(format));
    pass(dayMs);
    await expect(run()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(run({ dryRun: true })).rejects.toThrow("under an hour");
  });

  test("can be looked at before it is enabled", async () => {
    const fresh = memoryBucket("fresh", date);
    await bucketStore(fresh, layout).put(new TextEncoder().encode("garbage"));
    pass(graceMsDefault);
    const report = await run({ tiers: [{ name: "fresh", bucket: fresh, layout }], dryRun: true });
    expect(report.tiers[0]).toMatchObject({ enabled: false, graceMs: graceMsDefault });
    expect(fatesOf(report)).toEqual({ swept: 1 });
  });

  test("is nobody's without metadata", async () => {
    const empty = memoryBucket("empty", date);
    await expect(metadataIdOf(empty)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const text = new TextDecoder().decode(
      await collect((await metadata.read("v1/_bitstore.json"))?.body ?? (async function* () {})()),
    );
    const later = text.replace('"minReader":1', '"minReader":9');
    await metadata.put("v1/_bitstore.json", new TextEncoder().encode(later));
    await expect(metadataIdOf(metadata)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
