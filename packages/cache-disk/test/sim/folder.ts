import * as fs from "node:fs";
import { join } from "node:path";
import type { Random } from "@bitstore/conformance";
import type { Digest } from "@bitstore/core";
import { block, charged, filesIn } from "../disk-walk.ts";
import type { Rot } from "./plan.ts";

/** The cache's folder as it is, whoever asks: what the oracle and those from outside go by. */
export interface SimFolder {
  readonly path: string;
  blobPath(digest: Digest): string;
  /** Bytes of all that the budget is about. */
  bytes(): number;
  /** Names of the temporary files, and of the owners. */
  temporary(): readonly string[];
  owners(): readonly string[];
  /** Changes a file from outside; false where there is none. */
  rot(digest: Digest, how: Rot): boolean;
  /** Takes what was not synced: its bytes are cut, or zeros, or there all the same. */
  tear(unsynced: ReadonlySet<number>, random: Random): void;
  loseIndex(): void;
  damageIndex(random: Random): void;
  remove(): void;
}

export function simFolder(parent: string): SimFolder {
  const path = fs.mkdtempSync(join(parent, "bitstore-sim-"));
  const index = join(path, "index.sqlite");
  const namesIn = (name: string): readonly string[] =>
    fs.existsSync(join(path, name)) ? fs.readdirSync(join(path, name)).sort() : [];
  const blobPath = (digest: Digest): string => {
    const [algorithm = "", hex = ""] = digest.split(":");
    return join(path, "blobs", algorithm, hex.slice(0, 2), hex.slice(2, 4), hex);
  };
  return {
    path,
    blobPath,
    bytes() {
      const files = filesIn(path).reduce((sum, { bytes }) => sum + bytes, 0);
      // A folder that stood in a blob's place counts as what it says of itself.
      const folders = namesIn("quarantine")
        .map((name) => fs.statSync(join(path, "quarantine", name)))
        .filter((stats) => stats.isDirectory())
        .reduce((sum, { size }) => sum + charged(size), 0);
      return files + folders;
    },
    temporary: () => namesIn("tmp"),
    owners: () => namesIn("owners"),
    rot(digest, how) {
      const file = blobPath(digest);
      const stats = fs.lstatSync(file, { throwIfNoEntry: false });
      if (stats?.isFile() !== true) return false;
      if (how === "cut") fs.truncateSync(file, Math.floor(stats.size / 2));
      else if (how === "flip") flip(file, stats.size);
      else fs.rmSync(file);
      if (how === "folder") fs.mkdirSync(file);
      return true;
    },
    tear(unsynced, random) {
      for (const { path: file, inode } of filesIn(path)) {
        if (!unsynced.has(inode)) continue;
        const { size } = fs.statSync(file);
        const kind = random.below(4);
        if (kind === 0) fs.truncateSync(file, 0);
        else if (kind === 1) fs.truncateSync(file, random.below(size + 1));
        else if (kind === 2) fs.writeFileSync(file, new Uint8Array(size));
      }
    },
    loseIndex() {
      for (const suffix of ["", "-wal", "-shm"]) fs.rmSync(index + suffix, { force: true });
    },
    damageIndex(random) {
      if (!fs.existsSync(index)) return;
      const { size } = fs.statSync(index);
      if (random.chance(0.3)) fs.writeFileSync(index, "this is no index");
      else if (random.chance(0.5)) fs.truncateSync(index, Math.floor(size / 2 / block) * block);
      else {
        const fd = fs.openSync(index, "r+");
        fs.writeSync(fd, new Uint8Array(charged(size / 2)).fill(0x5a), 0, size / 2, size / 4);
        fs.closeSync(fd);
        fs.rmSync(`${index}-wal`, { force: true });
      }
    },
    remove: () => fs.rmSync(path, { recursive: true, force: true }),
  };
}

function flip(file: string, size: number): void {
  if (size === 0) return;
  const bytes = fs.readFileSync(file);
  bytes[Math.floor(size / 2)] = (bytes[Math.floor(size / 2)] ?? 0) ^ 1;
  fs.writeFileSync(file, bytes);
}
