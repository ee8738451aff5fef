import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, memoryBucket, type TagEntry, type TagRecord } from "@bitstore/core";
import { tagLog, trustTargets } from "@bitstore/tags";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../src/log/canonical-json.ts";
import { type Draft, readManifest, writeManifest } from "../src/log/manifest.ts";
import { digestNumber } from "./digests.ts";

// A manifest of each format that was released, byte for byte, is read as what it was written from, and
// the same writes make the same bytes. What a later release may write is refused, or kept as it is.

const fixture = readFileSync(join(import.meta.dirname, "fixtures", "manifest-1.json"));
const place = { namespace: "default", tag: "models/Prod", seq: 3, source: "memory:" };
const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(canonicalJson(value));

function changed(change: Readonly<Record<string, unknown>>): Uint8Array {
  return utf8({ ...(JSON.parse(fixture.toString()) as object), ...change });
}

describe("a manifest of format 1", () => {
  it("is read as what it says", async () => {
    const entry = await readManifest(fixture, place);
    expect(entry).toMatchObject({
      seq: 3,
      op: "set",
      target: { digest: digestNumber(3), size: 1234, mediaType: "application/json" },
      prev: { seq: 2 },
      actor: "ada",
      time: "2026-11-21T10:00:00.002Z",
      annotations: { commit: "4f2a", "with space": "ü" },
    });
    expect(entry.recent.map(({ seq, op }) => `${seq} ${op}`)).toEqual(["2 delete", "1 set"]);
  });

  it("is what this release writes", async () => {
    const bucket = memoryBucket("memory:", () => new Date("2026-11-21T10:00:00Z"));
    const log = tagLog(bucket, {
      checkTarget: () => Promise.resolve({ size: 1234 }),
      client: "bitstore/0.1.0",
      mintNonce: counter(),
    });
    await log.append("models/Prod", digestNumber(1), { actor: "ada", reason: "first" });
    await log.remove("models/Prod", { actor: "bob" });
    await log.append("models/Prod", digestNumber(3), {
      actor: "ada",
      mediaType: "application/json",
      annotations: { "with space": "ü", commit: "4f2a" },
    });
    const key = `v1/default/t/models%2f%50rod/${String(2 ** 53 - 1 - 3).padStart(16, "0")}.json`;
    const content = await bucket.read(key);
    expect(new TextDecoder().decode(await content?.bytes())).toBe(fixture.toString());
  });
});

describe("a manifest that this release does not know", () => {
  const refused = (bytes: Uint8Array, words: string | RegExp): Promise<void> =>
    expect(readManifest(bytes, place)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(words),
    });

  it("is refused where its format is newer, its operation unknown, or its place another", async () => {
    await refused(changed({ schema: 2 }), "its format 2 is newer than this release can read");
    await refused(changed({ op: "squash" }), /no manifest.*\(op\)/);
    await refused(changed({ seq: 4 }), "it says seq 4 of itself");
    await refused(changed({ tag: "models/prod" }), "it says tag");
    await refused(changed({ namespace: "other" }), "it says namespace");
    await refused(changed({ target: undefined }), /no manifest.*target/);
    await refused(changed({ op: "delete" }), /no manifest.*target/);
    await refused(changed({ nonce: "xyz" }), /no manifest.*\(nonce\)/);
    await refused(new TextEncoder().encode("{"), "its bytes are no JSON");
    await refused(new Uint8Array([0xff, 0xfe]), "its bytes are no JSON");
    await refused(changed({ prev: { seq: 1, sha256: "0".repeat(64) } }), /no manifest.*prev/);
    // Whoever walks along `recent` must come down, one by one, and back in time.
    const { recent } = JSON.parse(fixture.toString()) as { recent: TagRecord[] };
    for (const planted of [
      [{ ...recent[0], seq: 3 }],
      [{ ...recent[0], seq: 1 }],
      recent.toReversed(),
      [recent[0], { ...recent[1], time: "2026-11-21T10:00:00.001Z" }],
      [{ ...recent[0], time: "2026-11-21T11:00:00.000Z" }],
    ]) {
      await refused(changed({ recent: planted }), /no manifest.*recent/);
    }
    await refused(utf8([]), "it is no manifest");
    await refused(utf8(null), "it is no manifest");
  });

  it("is read where it only says more", async () => {
    expect((await readManifest(changed({ sig: "…" }), place)).seq).toBe(3);
  });
});

describe("a write", () => {
  it("that readers would refuse is refused before it is stored", async () => {
    const bucket = memoryBucket();
    const log = tagLog(bucket, { checkTarget: trustTargets });
    const refused = { code: "INVALID_ARGUMENT" };
    await log.append("a", digestNumber(1));
    await expect(log.append("a", "sha256:zz" as Digest)).rejects.toMatchObject(refused);
    const annotations = { count: 3 } as unknown as Record<string, string>;
    await expect(log.annotate("a", annotations)).rejects.toMatchObject(refused);
    await expect(log.append("a", digestNumber(2))).resolves.toMatchObject({ seq: 2 });
    const fresh = tagLog(bucket, { checkTarget: trustTargets });
    await expect(fresh.head("a")).resolves.toMatchObject({ seq: 2 });
  });

  it("after the last time that can be written says so", async () => {
    let now = new Date("9999-12-31T23:59:59.999Z");
    const log = tagLog(
      memoryBucket("memory:", () => now),
      { checkTarget: trustTargets },
    );
    await log.append("a", digestNumber(1));
    now = new Date("2026-11-21T10:00:00Z");
    await expect(log.append("a", digestNumber(2))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("time"),
    });
  });
});

describe("a manifest's length", () => {
  const draft = (words: string): Draft => ({
    namespace: "default",
    tag: "a",
    seq: 18,
    op: "annotate",
    prev: { seq: 17, sha256: "0".repeat(64) },
    target: { digest: digestNumber(1) },
    nonce: "0".repeat(32),
    actor: "ada",
    client: "bitstore",
    time: "2026-11-21T10:00:00.000Z",
    annotations: { words },
  });

  it("is kept by naming fewer entries before it", async () => {
    const record = (seq: number): TagRecord => ({
      seq,
      op: "annotate",
      digest: digestNumber(1),
      time: `2026-11-21T09:00:00.0${seq + 10}Z`,
      actor: "a",
      nonce: "1".repeat(32),
      reason: "r".repeat(4000),
    });
    const recent = Array.from({ length: 16 }, (_, index) => record(16 - index));
    const before = { ...record(17), target: { digest: digestNumber(1) }, recent };
    const { bytes, entry } = await writeManifest(
      draft("w".repeat(30_000)),
      before as unknown as TagEntry,
      "memory:",
    );
    expect(bytes.byteLength).toBeLessThanOrEqual(64 * 1024);
    expect(entry.recent.map(({ seq }) => seq)).toEqual([17, 16, 15, 14, 13, 12, 11, 10]);
  });

  it("is refused where it alone is too long, as control characters can make it", async () => {
    const long = writeManifest(draft("\u0001".repeat(11_000)), undefined, "memory:");
    await expect(long).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("bounds what is read: a longer object in a log is no manifest", async () => {
    const bucket = memoryBucket();
    const log = tagLog(bucket, { checkTarget: trustTargets });
    const { seq } = await log.append("a", digestNumber(1));
    const key = `v1/default/t/a/${String(2 ** 53 - 1 - seq).padStart(16, "0")}.json`;
    await bucket.put(key, new Uint8Array(65 * 1024).fill(32));
    const fresh = tagLog(bucket, { checkTarget: trustTargets });
    await expect(fresh.head("a")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

function counter(): () => string {
  let count = 0;
  return () => (count += 1).toString(16).padStart(32, "0");
}
