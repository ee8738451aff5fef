import { collectionBytesMax, formatCollection, parseCollection } from "@bitstore/tags";
import { describe, expect, it } from "vitest";
import { digestNumber } from "./digests.ts";

// A collection is the same blob whatever the order in which its members came, and names in one that
// somebody else made can't lead out of a folder.

const member = (
  name: string,
  n = 1,
): { name: string; digest: ReturnType<typeof digestNumber>; size: number } => ({
  name,
  digest: digestNumber(n),
  size: n,
});
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("a collection", () => {
  it("is the same bytes in any order, and is read back by name", () => {
    const one = formatCollection([member("b/c", 2), member("a", 1), member("B", 3)]);
    const other = formatCollection([member("B", 3), member("a", 1), member("b/c", 2)]);
    expect(one).toEqual(other);
    expect(parseCollection(one).map(({ name }) => name)).toEqual(["B", "a", "b/c"]);
    expect(parseCollection(formatCollection([]))).toEqual([]);
  });

  it("refuses names that are no paths below a folder", () => {
    for (const name of [
      "",
      "/etc/passwd",
      "../up",
      "a/../b",
      "a//b",
      "a/",
      "a\\b",
      "a\u0000b",
      "ü",
    ]) {
      expect(() => formatCollection([member(name)]), name).toThrow(/the name .* is refused/);
      expect(() => parseCollection(bytes([member(name)])), name).toThrow(/the name .* is refused/);
    }
    expect(() => parseCollection(bytes([member("a"), member("a")]))).toThrow(/stands twice/);
    expect(() => parseCollection(bytes([member("a/b/c"), member("a/b")]))).toThrow(
      "a/b is a blob and a folder of a/b/c",
    );
  });

  it("refuses bytes that are no list of members", () => {
    const refused = (value: Uint8Array): void =>
      expect(() => parseCollection(value)).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
    refused(new TextEncoder().encode("[{"));
    refused(new Uint8Array([0xff]));
    refused(bytes({ a: 1 }));
    refused(bytes([{ name: "a", digest: "sha256:zz", size: 1 }]));
    refused(bytes([{ name: "a", digest: digestNumber(1), size: -1 }]));
    refused(bytes([{ name: "a", digest: digestNumber(1), size: 0.5 }]));
    refused(bytes([{ name: "a", digest: digestNumber(1) }]));
    refused(bytes([["a"]]));
  });

  it("is TOO_LARGE above its limit", () => {
    const name = "n".repeat(230);
    const count = Math.ceil(collectionBytesMax / 330);
    const members = Array.from({ length: count }, (_, n) => member(`${name}${n}`));
    expect(() => formatCollection(members)).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });
});
