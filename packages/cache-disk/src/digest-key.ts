import { type Algorithm, type Digest, parseDigest, splitDigest } from "@bitstore/core";

/** Multihash codes: the first byte of a key in the index, so that other tools can read it. */
const codes: Readonly<Record<Algorithm, number>> = {
  sha1: 0x11,
  sha256: 0x12,
  sha512: 0x13,
  "sha3-256": 0x16,
  blake3: 0x1e,
};

const algorithmOfCode: ReadonlyMap<number, Algorithm> = new Map([
  [0x11, "sha1"],
  [0x12, "sha256"],
  [0x13, "sha512"],
  [0x16, "sha3-256"],
  [0x1e, "blake3"],
]);

/** Algorithms in the order in which their digests stand as strings. */
export const algorithmsAscending: readonly Algorithm[] = [
  "blake3",
  "sha1",
  "sha256",
  "sha3-256",
  "sha512",
];

/** Packs a digest into the index's key: one byte for the algorithm, then the digest's bytes. */
export function keyOf(digest: Digest): Uint8Array {
  const { algorithm, hex } = splitDigest(digest);
  const key = Buffer.allocUnsafe(1 + hex.length / 2);
  key[0] = codes[algorithm];
  key.write(hex, 1, "hex");
  return key;
}

/** Unpacks what {@link keyOf} has packed; undefined for a key of no known algorithm. */
export function digestOfKey(key: Uint8Array): Digest | undefined {
  const algorithm = algorithmOfCode.get(key[0] ?? 0);
  if (algorithm === undefined) return undefined;
  const hex = Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString("hex");
  return parseDigest(`${algorithm}:${hex}`);
}

/** Gives the key below all keys of an algorithm whose digests start with the hex. */
export function lowestKey(algorithm: Algorithm, hex = ""): Uint8Array {
  return Buffer.concat([Uint8Array.of(codes[algorithm]), Buffer.from(hex, "hex")]);
}

/** Gives a key above all keys of an algorithm whose digests start with the hex. */
export function highestKey(algorithm: Algorithm, hex = ""): Uint8Array {
  return Buffer.concat([lowestKey(algorithm, hex), Buffer.alloc(65, 0xff)]);
}
