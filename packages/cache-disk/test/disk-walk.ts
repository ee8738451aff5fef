import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a block, in which the budget counts. */
export const block = 4096;

interface SeenFile {
  readonly path: string;
  readonly inode: number;
  readonly bytes: number;
}

/** Every file that the budget is about: blobs, temporary files, quarantined ones. */
export function filesIn(directory: string): SeenFile[] {
  const files: SeenFile[] = [];
  const visit = (path: string): void => {
    let names: string[] = [];
    try {
      names = readdirSync(path);
    } catch {
      // Gone since its parent was read.
    }
    for (const name of names) {
      const child = join(path, name);
      const stats = lstatSync(child, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.isDirectory()) visit(child);
      else files.push({ path: child, inode: stats.ino, bytes: charged(stats.size) });
    }
  };
  for (const name of ["blobs", "tmp", "quarantine"]) visit(join(directory, name));
  return files;
}

export function charged(size: number): number {
  return Math.ceil(size / block) * block;
}

/** Bytes on the disk as an independent walk counts them, while nothing is going on. */
export function bytesIn(directory: string): number {
  return filesIn(directory).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Bytes that were on the disk for certain at one moment of a walk while others write: a file counts
 * where both of two passes saw it, since it was there then between the two. An inode that was
 * renamed in between is the same file, and counts once.
 */
export function bytesAtOnceIn(directory: string): number {
  const first = new Map(filesIn(directory).map(({ inode, bytes }) => [inode, bytes]));
  const second = new Map(filesIn(directory).map(({ inode, bytes }) => [inode, bytes]));
  let sum = 0;
  for (const [inode, bytes] of second) sum += Math.min(bytes, first.get(inode) ?? 0);
  return sum;
}
