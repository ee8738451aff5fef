import { describe, expect, test } from "vitest";
import { bucketStore, digestOf, memoryBucket, shardedLayout, type TagEntry } from "@bitstore/core";
import fc from "fast-check";
import { authorize } from "../../src/access/authorize.ts";
import { checkPutAlgorithm, checkTagTarget } from "../../src/access/confined-writes.ts";
import type { Principal } from "../../src/access/principal.ts";
import { provenPut } from "../../src/access/proven-put.ts";
import { createReceipts, receiptTtlMs } from "../../src/access/receipts.ts";
import { checkTagPrefix, isWithinTagPrefixes } from "../../src/access/tag-prefixes.ts";

const confined: Principal = {
  name: "ci",
  namespace: "default",
  scopes: new Set(["read", "write", "tag"]),
  tagPrefixes: ["team"],
};
const free: Principal = { ...confined, name: "free", tagPrefixes: undefined };
const bytes = new TextEncoder().encode("some bytes");

describe("tag prefixes", () => {
  test("match whole segments, with case, on decoded names", () => {
    // The table has what a comparison of characters, or of encoded names, would get wrong.
    const table: [string, string, boolean][] = [
      ["team", "team", true],
      ["team", "team/a", true],
      ["team", "team/a/b", true],
      ["team", "team-b", false],
      ["team", "teams/a", false],
      ["team", "Team/a", false],
      ["team", "team%2fa", false],
      ["team", "a/team", false],
      ["team/", "team", false],
      ["team/", "team/a", true],
      ["team/a", "team", false],
      ["team/a", "team/a", true],
      ["team/a", "team/ab", false],
    ];
    for (const [prefix, tag, within] of table) {
      expect([prefix, tag, isWithinTagPrefixes([prefix], tag)]).toEqual([prefix, tag, within]);
    }
    expect(isWithinTagPrefixes([], "team")).toBe(false);
    for (const none of ["", "/", "a//b", "../a", "a/..", "a b", "/a"]) {
      expect(() => checkTagPrefix(none)).toThrow(/./);
    }
  });

  test("agree with a comparison of lists of segments", () => {
    // The model splits both names; any names of a small alphabet, so that many share segments.
    const name = fc
      .array(fc.constantFrom("a", "b", "ab", "A"), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join("/"));
    fc.assert(
      fc.property(name, name, (prefix, tag) => {
        const [p, t] = [prefix.split("/"), tag.split("/")];
        const within = p.every((part, at) => t[at] === part);
        return isWithinTagPrefixes([prefix], tag) === within;
      }),
    );
  });
});

describe("authorize", () => {
  test("needs the scope itself, and no scope includes another", () => {
    // A principal with every scope but one is refused what needs that one.
    const all = ["read", "write", "delete", "tag", "admin"] as const;
    for (const scope of all) {
      const without: Principal = { ...free, scopes: new Set(all.filter((one) => one !== scope)) };
      expect(() => authorize(without, { scope, confined: "any" })).toThrow(scope);
      const only: Principal = { ...free, scopes: new Set([scope]) };
      expect(() => authorize(only, { scope, confined: "never" })).not.toThrow();
    }
  });

  test("keeps a confined principal to its tags", () => {
    // A route of tags that is asked without a tag is refused as well.
    const never = { scope: "read", confined: "never" } as const;
    expect(() => authorize(confined, never)).toThrow("through them alone");
    expect(() => authorize(confined, never, "team/a")).toThrow("through them alone");
    expect(() => authorize(confined, { scope: "read", confined: "tag" }, "team/a")).not.toThrow();
    expect(() => authorize(confined, { scope: "read", confined: "tag" }, "other")).toThrow(
      "none of",
    );
    expect(() => authorize(confined, { scope: "read", confined: "tag" })).toThrow("none of");
    expect(() => authorize(confined, { scope: "write", confined: "any" })).not.toThrow();
  });
});

describe("receipts", () => {
  const secret = Buffer.alloc(32, 7);
  let now = Date.parse("2026-11-21T12:00:00Z");
  const date = (): Date => new Date(now);

  test("hold for the principal, the digest and the day that they name, in any process", async () => {
    // A second set of receipts with the same secret stands for another process after a restart.
    const digest = await digestOf(bytes, "sha256");
    const other = await digestOf(new Uint8Array(3), "sha256");
    const receipt = createReceipts([secret], date).issue(confined, digest);
    const receipts = createReceipts([Buffer.alloc(32, 8), secret], date);
    expect(receipts.holds(receipt, confined, digest)).toBe(true);
    expect(receipts.holds(receipt, confined, other)).toBe(false);
    expect(receipts.holds(receipt, { ...confined, name: "other" }, digest)).toBe(false);
    expect(receipts.holds(receipt, { ...confined, namespace: "x" }, digest)).toBe(false);
    expect(receipts.holds(undefined, confined, digest)).toBe(false);
    expect(createReceipts([Buffer.alloc(32, 8)], date).holds(receipt, confined, digest)).toBe(
      false,
    );
    now += receiptTtlMs;
    expect(receipts.holds(receipt, confined, digest)).toBe(false);
    now -= receiptTtlMs;
  });

  test("can't be lengthened in time or changed in any character", async () => {
    // Each character in turn, and the time written anew.
    const digest = await digestOf(bytes, "sha256");
    const receipts = createReceipts([secret], date);
    const receipt = receipts.issue(confined, digest);
    const [version, , mac] = receipt.split(".");
    const later = (now + 10 * receiptTtlMs).toString(36);
    expect(receipts.holds(`${version}.${later}.${mac}`, confined, digest)).toBe(false);
    // The last character of base64 has two bits that mean nothing, so it is left out.
    for (let at = 0; at < receipt.length - 1; at += 1) {
      const forged =
        receipt.slice(0, at) + (receipt[at] === "z" ? "y" : "z") + receipt.slice(at + 1);
      expect(receipts.holds(forged, confined, digest)).toBe(false);
    }
  });

  test("are what a confined principal tags by, or the tag itself", async () => {
    // Not by knowing the digest; and not by sha1, whatever it shows.
    const digest = await digestOf(bytes, "sha256");
    const receipts = createReceipts([secret], date);
    const receipt = receipts.issue(confined, digest);
    const proof = { digest, receipt: undefined, head: undefined };
    expect(() => checkTagTarget(free, proof, receipts)).not.toThrow();
    expect(() => checkTagTarget(confined, proof, receipts)).toThrow("it may tag what it put");
    expect(() => checkTagTarget(confined, { ...proof, receipt }, receipts)).not.toThrow();
    const head = { target: { digest } } as TagEntry;
    expect(() => checkTagTarget(confined, { ...proof, head }, receipts)).not.toThrow();
    const weak = await digestOf(bytes, "sha1");
    const weakProof = { ...proof, digest: weak, receipt: receipts.issue(confined, weak) };
    expect(() => checkTagTarget(confined, weakProof, receipts)).toThrow("sha1");
    expect(() => checkPutAlgorithm(confined, "sha1")).toThrow("sha1");
    expect(() => checkPutAlgorithm(free, "sha1")).not.toThrow();
  });
});

describe("a proven put", () => {
  const limits = { memoryBytesMax: 4, spoolBytesMax: 2 ** 22 };

  test("answers the same whether the blob was there, and reads every byte of it", async () => {
    // Over a mebibyte a store that has the blob does not look at what it is sent.
    const store = bucketStore(memoryBucket(), shardedLayout(""));
    const large = new Uint8Array(2 ** 21).fill(5);
    const digest = await digestOf(large, "sha256");
    const answers: unknown[] = [];
    for (let round = 0; round < 2; round += 1) {
      let read = 0;
      async function* stream(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < large.byteLength; at += 2 ** 18) {
          read += 2 ** 18;
          yield large.subarray(at, at + 2 ** 18);
        }
      }
      answers.push(await provenPut(store, stream(), { digest }, limits));
      expect(read).toBe(large.byteLength);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toEqual({ digest, size: large.byteLength, outcome: "created" });
  });

  test("refuses other bytes under the digest of a blob that is there", async () => {
    // Without the check the store's answer would prove that somebody else had put it.
    const store = bucketStore(memoryBucket(), shardedLayout(""));
    const large = new Uint8Array(2 ** 21).fill(6);
    const { digest } = await store.put(large);
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(2 ** 21).fill(7);
    }
    await expect(provenPut(store, stream(), { digest }, limits)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });
});
