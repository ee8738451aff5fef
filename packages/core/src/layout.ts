import { type Algorithm, type Digest, isDigest, parseDigest, splitDigest } from "./digest.ts";

/** Maps digests to keys and back. The one place where a blob's name in a bucket is decided. */
export interface Layout {
  readonly name: "flat" | "sharded";
  /** Prefix of everything that belongs to the store. */
  readonly root: string;
  /** Algorithms that it can hold, in ascending order. */
  readonly algorithms: readonly Algorithm[];
  /** Key of a digest whose algorithm it can hold. */
  key(digest: Digest): string;
  /** Digest of a key; undefined for an object that is no blob of this layout. */
  digest(key: string): Digest | undefined;
  /** Prefix of all keys of an algorithm. */
  prefix(algorithm: Algorithm): string;
}

/**
 * Names blobs `prefix + hex`, of one algorithm. With sha1 it is the layout of epic-bitstore, so its
 * buckets are read as they are, and the other way round.
 */
export function flatLayout(prefix: string, algorithm: Algorithm): Layout {
  return {
    name: "flat",
    root: prefix,
    algorithms: [algorithm],
    key: (digest) => prefix + splitDigest(digest).hex,
    digest: (key) => parseKey(key.slice(prefix.length), algorithm),
    prefix: () => prefix,
  };
}

/** Names blobs `prefix algorithm/ab/cd/hex`, of any algorithm. */
export function shardedLayout(
  prefix: string,
  algorithms: readonly Algorithm[] = ["blake3", "sha1", "sha256", "sha3-256", "sha512"],
): Layout {
  return {
    name: "sharded",
    root: prefix,
    algorithms: [...algorithms].sort(),
    key: (digest) => {
      const { algorithm, hex } = splitDigest(digest);
      return `${prefix}${algorithm}/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}`;
    },
    digest: (key) => {
      const match = /^([a-z0-9-]+)\/([0-9a-f]{2})\/([0-9a-f]{2})\/([0-9a-f]+)$/.exec(
        key.slice(prefix.length),
      );
      const [, algorithm, first, second, hex] = match ?? [];
      const known = algorithms.find((each) => each === algorithm);
      if (known === undefined || hex === undefined) return undefined;
      if (!hex.startsWith(`${first}${second}`)) return undefined;
      return parseKey(hex, known);
    },
    prefix: (algorithm) => `${prefix}${algorithm}/`,
  };
}

function parseKey(hex: string, algorithm: Algorithm): Digest | undefined {
  // Keys are lower case: an upper-case one names no blob, or two keys would name the same one.
  if (hex !== hex.toLowerCase() || !isDigest(`${algorithm}:${hex}`)) return undefined;
  return parseDigest(`${algorithm}:${hex}`);
}
