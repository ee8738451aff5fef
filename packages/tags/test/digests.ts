import { type Digest, parseDigest } from "@bitstore/core";

/** Makes the n-th of many digests that no blob needs to have. */
export function digestNumber(n: number): Digest {
  return parseDigest(`sha256:${n.toString(16).padStart(64, "0")}`);
}

/** Collects what an iterable yields. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
