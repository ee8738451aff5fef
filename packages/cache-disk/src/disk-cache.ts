import { algorithms, type BlobStore, type Digest } from "@bitstore/core";
import { deleteBlob, statBlob } from "./blob-calls.ts";
import { type CacheFolder, cacheFolder, prepareFolder } from "./cache-folder.ts";
import type { CacheParts } from "./cache-parts.ts";
import { cacheStats, type DiskCacheStats } from "./cache-stats.ts";
import { departures as makeDepartures } from "./departures.ts";
import { toStoreError } from "./disk-fault.ts";
import { hitNotes } from "./hit-notes.ts";
import { indexFiles } from "./index-files.ts";
import { type IndexGuard, indexGuard } from "./index-guard.ts";
import { type InFlight, inFlight } from "./in-flight.ts";
import { listBlobs } from "./list-blobs.ts";
import { type Maintenance, maintenance } from "./maintenance.ts";
import { openBlob } from "./open-blob.ts";
import { pruneBlobs, type PruneOptions } from "./prune-blobs.ts";
import { putBlob } from "./put-blob.ts";
import { quarantineBlob } from "./quarantine.ts";
import { recoverDead } from "./recover.ts";
import { createRoom, type Freed } from "./room.ts";
import { type CacheSettings, cacheSettings, type DiskCacheOptions } from "./settings.ts";
import type { ReindexReport } from "./walk.ts";

/** A bounded cache on disk. It may lose a blob at any time; it never hands out what it has not. */
export interface DiskCache extends BlobStore {
  stats(): Promise<DiskCacheStats>;
  /** Makes the cache smaller now; resolves to what went. */
  prune(options: PruneOptions): Promise<Freed>;
  /** Makes the index agree with the files, whatever was done to them from outside. */
  reindex(options?: { readonly signal?: AbortSignal | undefined }): Promise<ReindexReport>;
  /** Takes a blob that turned out wrong out of the cache, and keeps its file for a while. */
  quarantine(digest: Digest): Promise<boolean>;
}

/**
 * Opens a cache, or makes one. It resolves within about a second, however many blobs there are:
 * where the index is missing or damaged, the files are looked through in the background (names and
 * sizes only), and reads go by the files meanwhile.
 *
 * Several processes may share a directory of a local file system; network file systems lack the
 * locks for it. Dispose it, so that the next to open finds nothing to clear up.
 *
 * Rejects with CONFIG_INVALID for options that make no sense, a directory of something else, and a
 * format that is newer than this release; UNAVAILABLE or PERMISSION_DENIED where the disk refuses.
 */
export async function diskCache(options: DiskCacheOptions): Promise<DiskCache> {
  const settings = cacheSettings(options);
  const folder = cacheFolder(settings.directory);
  await prepareFolder(folder, settings.name, settings.uniqueId);
  const calls = inFlight(settings.name);
  let onReplaced = (): void => undefined;
  let onWaiting = (): void => undefined;
  try {
    const files = indexFiles(folder, settings);
    const guard = await indexGuard(files, settings.name, () => onReplaced());
    try {
      const parts = partsOf(settings, folder, guard, calls, () => onWaiting());
      const upkeep = maintenance(parts);
      onWaiting = upkeep.walkAgain;
      onReplaced = () => {
        parts.notes.forgetRows();
        if (guard.hasUnseen()) upkeep.walkIsDue();
      };
      await upkeep.start();
      return cacheOf(parts, calls, upkeep);
    } catch (error) {
      await calls.drain();
      await guard.close();
      throw error;
    }
  } catch (error) {
    const { directory: subject, name: source } = settings;
    throw toStoreError(error, { operation: "open", subject, source });
  }
}

function partsOf(
  settings: CacheSettings,
  folder: CacheFolder,
  guard: IndexGuard,
  calls: InFlight,
  onWaiting: () => void,
): CacheParts {
  const departures = makeDepartures(guard, folder, settings.name);
  const notes = hitNotes(settings, (operation, work) => departures.write(operation, work));
  // What puts wait for may be held by who died, or by files that a walk which failed has not seen.
  const recover = async (): Promise<void> => {
    onWaiting();
    await recoverDead({ guard, folder, departures });
  };
  const room = createRoom({ guard, departures, notes, settings, recover });
  const background: CacheParts["background"] = (work) => calls.background(work);
  return { settings, folder, guard, departures, notes, room, background };
}

function cacheOf(parts: CacheParts, calls: InFlight, upkeep: Maintenance): DiskCache {
  const { settings, guard, departures, notes } = parts;
  return {
    name: settings.name,
    capabilities: { algorithms, stat: true, rangeRead: true, put: true, delete: true, list: true },
    async stat(digest, options) {
      calls.check("stat");
      return await statBlob(parts, digest, options);
    },
    async open(digest, options) {
      calls.check("open");
      return await openBlob(parts, digest, options);
    },
    put: (body, options = {}) =>
      calls.run("put", options.signal, (signal) => putBlob(parts, body, options, signal)),
    delete: (digest, options) =>
      calls.run("delete", options?.signal, (signal) => deleteBlob(parts, digest, signal)),
    async *list(options) {
      calls.check("list");
      await upkeep.whenWalked(options?.signal, "list");
      yield* listBlobs(parts, options);
    },
    async stats() {
      calls.check("stats");
      return await cacheStats(parts);
    },
    prune: (options) =>
      calls.run("prune", options.signal, async (signal) => {
        await upkeep.whenWalked(signal, "prune");
        return await pruneBlobs(parts, options, signal);
      }),
    reindex: (options) =>
      calls.run("reindex", options?.signal, async (signal) => {
        try {
          return await upkeep.reindex(signal);
        } catch (error) {
          throw toStoreError(error, { operation: "reindex", source: settings.name });
        }
      }),
    quarantine: (digest) => calls.run("quarantine", undefined, () => quarantineBlob(parts, digest)),
    async [Symbol.asyncDispose]() {
      await calls.drain();
      await notes.close();
      await departures.settle("dispose").catch(() => undefined);
      await guard.close();
    },
  };
}
