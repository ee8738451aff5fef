import { createHash } from "node:crypto";

/** The sha256 digest of bytes or text, as the command prints it. */
export function sha256(data: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** A digest of nothing that is stored. */
export const absent: string = `sha256:${"0".repeat(63)}1`;

/** Bytes that are different for each seed, and the same in each run. */
export function seeded(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at + 4 <= size; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}
