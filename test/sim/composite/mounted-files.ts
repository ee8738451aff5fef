import type { Disk, DiskFile } from "./disk.ts";

/**
 * Stands for `node:fs/promises` where core makes its temporary files, once `simulate.ts` has put it
 * there: a real file takes real time, for which virtual time does not wait.
 */
let mounted: Disk | undefined;

/** Gives the files of one run their disk. */
export function mount(disk: Disk | undefined): void {
  mounted = disk;
}

/** @public */
export async function open(): Promise<DiskFile> {
  if (mounted === undefined) throw new Error("no disk is mounted");
  return await mounted.open();
}

/** @public */
export function unlink(): Promise<void> {
  return Promise.resolve();
}
