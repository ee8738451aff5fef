import type { BigIntStats } from "node:fs";
import type { ObjectInfo } from "@bitstore/core";

/**
 * Names one state of a file. Each put makes a new file, with a modification time that is later than
 * that of the file it replaces, so no two puts of a key share a version, not even where the inode
 * is used again.
 */
export function versionOf(stats: BigIntStats): string {
  const { mtimeNs, ino, size } = stats;
  return [mtimeNs, ino, size].map((number) => number.toString(36)).join("-");
}

export function infoOf(key: string, stats: BigIntStats): ObjectInfo {
  return {
    key,
    size: Number(stats.size),
    version: versionOf(stats),
    modifiedAt: new Date(Number(stats.mtimeNs / 1_000_000n)),
    md5: undefined,
    archived: false,
  };
}
