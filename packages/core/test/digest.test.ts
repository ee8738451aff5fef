import {
  algorithms,
  compareKeys,
  createHasher,
  type Digest,
  digestBytes,
  digestOf,
  flatLayout,
  isDigest,
  isStoreError,
  parseDigest,
  shardedLayout,
  splitDigest,
  verifyBytes,
} from "@bitstore/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const hello = new TextEncoder().encode("hello");

/** Published digests of "hello" and of no bytes at all. */
const known = {
  sha1: ["aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  sha256: [
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ],
  sha512: [
    "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
  ],
  "sha3-256": [
    "3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392",
    "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
  ],
  blake3: [
    "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f",
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  ],
} as const;

describe("digests", () => {
  // Published values, by the hasher that streams and by the one-shot check.
  test.each(algorithms)("%s of known bytes", async (algorithm) => {
    const [ofHello, ofNothing] = known[algorithm];
    expect(await digestOf(hello, algorithm)).toBe(`${algorithm}:${ofHello}`);
    expect(await digestOf(new Uint8Array(), algorithm)).toBe(`${algorithm}:${ofNothing}`);
    const hasher = await createHasher(algorithm);
    for (const byte of hello) hasher.update(Uint8Array.of(byte));
    const digest = hasher.digest();
    expect(splitDigest(digest)).toEqual({ algorithm, hex: ofHello });
    await verifyBytes(hello, digest, "test");
    const wrong = verifyBytes(Uint8Array.of(1), digest, "test");
    await expect(wrong).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  const hex = "4bc39c7d87318382feb3cc5a684c767fbd913968";
  test.each([
    [`sha1:${hex}`, `sha1:${hex}`],
    [hex, `sha1:${hex}`],
    [hex.toUpperCase(), `sha1:${hex}`],
    [`sha1://${hex}`, `sha1:${hex}`],
    [`SHA1:${hex.toUpperCase()}`, `sha1:${hex}`],
    ["a".repeat(64), `sha256:${"a".repeat(64)}`],
    ["b".repeat(128), `sha512:${"b".repeat(128)}`],
    [`sha3-256:${"c".repeat(64)}`, `sha3-256:${"c".repeat(64)}`],
    [`blake3:${"d".repeat(64)}`, `blake3:${"d".repeat(64)}`],
  ])("parses %s", (input, expected) => {
    expect(parseDigest(input)).toBe(expected);
    expect(isDigest(input)).toBe(true);
  });

  // Each message names the input and says what is wrong with it; control characters are escaped.
  test.each([
    ["", "it is empty"],
    [`${hex}\n`, "white space"],
    [` ${hex}`, "white space"],
    [hex.slice(1), "39 hex digits"],
    [`${hex.slice(1)}g`, "algorithm:hex"],
    [`md5:${hex}`, "unknown algorithm"],
    [`sha256:${hex}`, "64 hex digits, this has 40"],
    [`sha1:/${hex}`, "algorithm:hex"],
    ["__proto__:aa", "algorithm:hex"],
    ["constructor:aa", "unknown algorithm"],
    ["../../etc/passwd", "algorithm:hex"],
    [`${"a".repeat(40)}\u001b[31m`, "\\u001b"],
  ])("refuses %j", (input, hint) => {
    expect(() => parseDigest(input)).toThrow(hint);
    expect(isDigest(input)).toBe(false);
  });

  // Whatever comes in, it is a digest in canonical form or INVALID_ARGUMENT, never anything else.
  test("takes any string for what it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (input) => {
        try {
          const { algorithm, hex: digits } = splitDigest(parseDigest(input));
          expect(digits).toHaveLength(digestBytes[algorithm] * 2);
        } catch (error) {
          expect(isStoreError(error, "INVALID_ARGUMENT")).toBe(true);
        }
      }),
    );
  });
});

const anyDigest = fc
  .constantFrom(...algorithms)
  .chain((algorithm) =>
    fc
      .uint8Array({ minLength: digestBytes[algorithm], maxLength: digestBytes[algorithm] })
      .map((bytes) => parseDigest(`${algorithm}:${Buffer.from(bytes).toString("hex")}`)),
  );

describe("layouts", () => {
  // A key leads back to its digest, and lists of keys ascend as lists of digests do.
  test("map digests to keys and back, in order", () => {
    const layout = shardedLayout("some/prefix/");
    fc.assert(
      fc.property(anyDigest, anyDigest, (a, b) => {
        expect(layout.digest(layout.key(a))).toBe(a);
        expect(Math.sign(compareKeys(layout.key(a), layout.key(b)))).toBe(Math.sign(compare(a, b)));
      }),
    );
  });

  test("flat is prefix + lower-case hex, as epic-bitstore has it", () => {
    const layout = flatLayout("files/", "sha1");
    const digest = parseDigest("AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D");
    expect(layout.key(digest)).toBe("files/aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
    expect(layout.digest("files/aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")).toBe(digest);
  });

  test.each([
    "files/_bitstore.json",
    "files/AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D",
    "files/aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d.tmp",
    "files/",
  ])("%s is no blob", (key) => {
    expect(flatLayout("files/", "sha1").digest(key)).toBeUndefined();
  });

  test.each([`sha1/aa/bb/${"a".repeat(40)}`, `sha1/aa/aa/${"a".repeat(39)}`, "md5/aa/aa/aaaa"])(
    "%s is no blob of a sharded layout",
    (key) => {
      expect(shardedLayout("").digest(key)).toBeUndefined();
    },
  );
});

describe("order of keys", () => {
  // The order of UTF-8 bytes, in which object stores list.
  test("is that of their UTF-8 bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareKeys(a, b))).toBe(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

function compare(a: Digest, b: Digest): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
