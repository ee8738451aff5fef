import { fsync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Digest } from "@bitstore/core";
import { ensureFolders } from "./cache-folder.ts";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault } from "./disk-fault.ts";
import { appendAll, closeFile, createFile } from "./file-calls.ts";
import { dropPut } from "./recover.ts";
import type { Hold } from "./room.ts";

/** The temporary file of one put, and the room that it holds. */
export interface StagedFile {
  /** Whether the body was too long to stay in memory, so that some of it is in the file. */
  isOpen(): boolean;
  /** Bytes that the file has. */
  written(): number;
  /** Takes a chunk: into memory first, into the file once there are `gatherBytes` of them. */
  append(
    chunk: Uint8Array,
    digest: Digest | undefined,
    declared: number | undefined,
  ): Promise<void>;
  /** Writes the rest and closes the file; resolves to the hold under which it is published. */
  finish(digest: Digest, size: number): Promise<Hold>;
  /** Says that the file has the blob's name now, so that there is nothing to discard. */
  published(): void;
  /** Removes the file and gives the room back, unless it was published. May be called again. */
  discard(): Promise<void>;
}

export function stagedFile(parts: CacheParts, signal: AbortSignal): StagedFile {
  const { settings, folder, room, departures } = parts;
  const { gatherBytes, growBytesMax } = settings.limits;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let total = 0;
  let written = 0;
  let hold: Hold | undefined;
  let keyed = false;
  let fd: number | undefined;

  async function create(size: number, digest: Digest | undefined): Promise<Hold> {
    const key = digest === undefined ? undefined : keyOf(digest);
    keyed = key !== undefined;
    const taken = await room.take({ key, size, signal });
    hold = taken;
    const path = folder.tmpPath(taken.name);
    try {
      fd = await createFile(path);
    } catch (error) {
      if (diskFault(error) !== "absent") throw error;
      await ensureFolders(folder);
      fd = await createFile(path);
    }
    return taken;
  }

  async function writeGathered(): Promise<void> {
    if (fd === undefined) return;
    const chunks = gathered;
    const bytes = gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    await appendAll(fd, chunks);
    written += bytes;
  }

  async function closeNow(): Promise<void> {
    const closing = fd;
    fd = undefined;
    if (closing !== undefined) await closeFile(closing);
  }

  return {
    isOpen: () => hold !== undefined,
    written: () => written,
    async append(chunk, digest, declared) {
      if (chunk.byteLength === 0) return;
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      total += chunk.byteLength;
      if (gatheredBytes < gatherBytes) return;
      // A body of unknown length takes room by doubling, so that it asks a few times only.
      const ahead = Math.min(total + Math.min(total, growBytesMax), settings.entryBytesMax);
      const size = Math.max(total, declared ?? ahead);
      if (hold === undefined) await create(size, digest);
      else if (total > hold.bytes) hold = await room.grow(hold, size, signal);
      await writeGathered();
    },
    async finish(digest, size) {
      const had = hold;
      let ready = had ?? (await create(size, digest));
      if (had !== undefined) ready = await room.grow(had, size, signal);
      hold = ready;
      await writeGathered();
      if (settings.fsync && fd !== undefined) await syncFile(fd);
      await closeNow();
      if (!keyed) {
        // From here on the blob's name may come to stand on the disk, so the hold has to tell it.
        await departures.write("put", (index) => {
          if (index.epoch === ready.epoch) index.holds.setKey(ready.id, keyOf(digest));
        });
      }
      return ready;
    },
    published() {
      hold = undefined;
    },
    async discard() {
      const left = hold;
      hold = undefined;
      gathered = [];
      await closeNow().catch(() => undefined);
      if (left === undefined) return;
      await rm(folder.tmpPath(left.name), { force: true }).catch(() => undefined);
      departures.defer(left.epoch, (index) => {
        const row = index.holds.get(left.id);
        if (row !== undefined) dropPut(index, folder, row);
      });
      // Where the index can't be written now, whoever writes it next does this as well.
      await departures.settle("put").catch(() => undefined);
    },
  };
}

function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error ? reject(error) : resolve()));
  });
}
