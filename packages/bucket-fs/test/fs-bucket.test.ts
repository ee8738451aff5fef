import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fsBucket } from "@bitstore/bucket-fs";
import { type BucketHarness, describeBucket } from "@bitstore/conformance";

// The suite passes over a directory, with and without fsync, and with names that are written for a
// file system that folds case (which this machine's does not: the names are all that differs).

function harness(options: { fsync?: boolean; foldNames?: boolean }): BucketHarness {
  const roots: string[] = [];
  const fresh = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), "bitstore-fs-"));
    roots.push(root);
    return root;
  };
  return {
    open: async () => await fsBucket({ root: await fresh(), ...options }),
    reopen: async () => await fsBucket({ root: roots[0] ?? "", ...options }),
    openMissing: async () => await fsBucket({ root: join(await fresh(), "missing"), ...options }),
    dispose: async () => {
      for (const root of roots) await rm(root, { recursive: true, force: true });
    },
    partBytes: 256 * 1024,
    listPageSize: 40,
  };
}

describeBucket("fs", harness({}));
describeBucket("fs, folded names, no fsync", harness({ fsync: false, foldNames: true }));
