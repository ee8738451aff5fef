import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeBlobStore } from "@bitstore/conformance";
import { type DiskCache, diskCache } from "@bitstore/cache-disk";

const root = await mkdtemp(join(tmpdir(), "bitstore-conformance-"));
let opened = 0;

function openCache(number: number): Promise<DiskCache> {
  const directory = join(root, String(number));
  // Large enough for all that the suite puts: what a cache evicts is shown elsewhere.
  return diskCache({ directory, bytesMax: 2 ** 30, entryBytesMax: 2 ** 30 });
}

// The cache is held to the suite of every store, around the sizes at which it changes its ways.
describeBlobStore("disk cache", {
  open: async () => {
    opened += 1;
    return await openCache(opened);
  },
  reopen: async () => await openCache(1),
  dispose: () => rm(root, { recursive: true, force: true }),
  sizesAround: [4096, 128 * 1024, 256 * 1024],
});

// Nearly each blob goes to the file and comes back in pieces here, and puts take room in steps.
const small = await mkdtemp(join(tmpdir(), "bitstore-conformance-"));
let openedSmall = 0;
const limits = { gatherBytes: 2000, readBytes: 3000, growBytesMax: 4096, rowsMax: 1, flushMs: 1 };
describeBlobStore("disk cache, small limits", {
  open: async () => {
    openedSmall += 1;
    const directory = join(small, String(openedSmall));
    return await diskCache({ directory, bytesMax: 2 ** 26, entryBytesMax: 2 ** 26, limits });
  },
  reopen: async () =>
    await diskCache({
      directory: join(small, "1"),
      bytesMax: 2 ** 26,
      entryBytesMax: 2 ** 26,
      limits,
    }),
  dispose: () => rm(small, { recursive: true, force: true }),
});
