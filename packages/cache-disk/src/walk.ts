import { lstatSync, rmSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type Algorithm,
  createHasher,
  type Digest,
  digestBytes,
  parseDigest,
} from "@bitstore/core";
import type { CacheIndex } from "./cache-index.ts";
import type { CacheParts } from "./cache-parts.ts";
import { algorithmsAscending, digestOfKey, highestKey, keyOf, lowestKey } from "./digest-key.ts";
import { diskFault } from "./disk-fault.ts";
import { forgetEntry } from "./forget-entry.ts";
import { chargeOf } from "./limits.ts";
import { quarantineBlob } from "./quarantine.ts";

/** What a walk has found. Each number is of blobs. */
export interface ReindexReport {
  readonly files: number;
  /** Were on the disk, but not in the index. */
  readonly adopted: number;
  /** Were in the index, but not on the disk. */
  readonly forgotten: number;
  /** Have another size than the index says, or none that the digest allows. */
  readonly quarantined: number;
}

interface Walk {
  readonly parts: CacheParts;
  readonly check: () => void;
  readonly report: { files: number; adopted: number; forgotten: number; quarantined: number };
}

/** A file that can't be right, and the row that names it, if one does. */
interface WrongFile extends FoundFile {
  readonly seq: number | undefined;
}

interface FoundFile {
  readonly digest: Digest;
  readonly key: Uint8Array;
  readonly path: string;
}

/** Rows that are compared with a folder's names at a time. */
const pageRows = 1000;
/** Files that are looked at side by side. */
const statsMax = 16;

/**
 * Walks all folders in the order of the digests, and makes the index agree with them: names and
 * sizes only, no blob is read. The cache works on meanwhile; each difference is looked at again in
 * the transaction that settles it. Memory is that of one folder.
 */
export async function walkBlobs(parts: CacheParts, check: () => void): Promise<ReindexReport> {
  const report = { files: 0, adopted: 0, forgotten: 0, quarantined: 0 };
  const walk: Walk = { parts, check, report };
  for (const algorithm of algorithmsAscending) await walkAlgorithm(walk, algorithm);
  await walkQuarantine(parts);
  // What a walk has not seen by now came later, and has its row.
  await parts.departures.write("reindex", (index) => index.setUnseen(0));
  parts.room.changed();
  return report;
}

/** Makes the holds of quarantined files agree with the folder; it has some dozens at most. */
async function walkQuarantine({ folder, departures, guard }: CacheParts): Promise<void> {
  const names = await namesOf(folder.quarantine);
  await departures.write("reindex", (index) => {
    const quarantined = index.holds.ofKind("quarantined");
    const known = new Set(
      [...quarantined, ...index.holds.ofKind("leaving")].map(({ name }) => name),
    );
    for (const { id, name, bytes } of quarantined) {
      const stats =
        name === undefined
          ? undefined
          : lstatSync(folder.quarantinePath(name), { throwIfNoEntry: false });
      if (stats === undefined) index.holds.drop(id);
      else if (bytes !== chargeOf(stats.size)) index.holds.setBytes(id, chargeOf(stats.size));
    }
    for (const name of names) {
      const stats = lstatSync(folder.quarantinePath(name), { throwIfNoEntry: false });
      if (stats === undefined || known.has(name)) continue;
      const { size } = stats;
      const hold = { owner: guard.owner(), kind: "quarantined", size, name } as const;
      index.holds.add({ ...hold, key: undefined, bytes: chargeOf(size) });
    }
  });
}

async function walkAlgorithm(walk: Walk, algorithm: Algorithm): Promise<void> {
  const { folder } = walk.parts;
  const top = join(folder.blobs, algorithm);
  const outer = await shards(top);
  let reached = lowestKey(algorithm);
  // Where no blob has such a digest, its hasher, which may be one to be compiled, is not asked for.
  const empty = outer.length === 0 ? undefined : (await createHasher(algorithm)).digest();
  for (const first of outer) {
    for (const second of await shards(join(top, first))) {
      walk.check();
      const shard = first + second;
      const files = await filesOf(join(top, first, second), algorithm, shard);
      const upTo = highestKey(algorithm, shard);
      await adoptFiles(walk, files, empty);
      await forgetRows(walk, reached, upTo, new Set(files.map(({ digest }) => digest)));
      reached = upTo;
    }
  }
  await forgetRows(walk, reached, highestKey(algorithm), new Set());
}

async function shards(path: string): Promise<string[]> {
  return (await namesOf(path)).filter((name) => /^[0-9a-f]{2}$/.test(name)).sort();
}

async function namesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (diskFault(error) === "absent") return [];
    throw error;
  }
}

/** Gives what is named as a blob has to be; anything else is left alone, and out of the budget. */
async function filesOf(path: string, algorithm: Algorithm, shard: string): Promise<FoundFile[]> {
  const names = (await namesOf(path)).filter(
    (name) =>
      name.length === digestBytes[algorithm] * 2 &&
      name.startsWith(shard) &&
      /^[0-9a-f]+$/.test(name),
  );
  return names.sort().map((name) => {
    const digest = parseDigest(`${algorithm}:${name}`);
    return { digest, key: keyOf(digest), path: `${path}/${name}` };
  });
}

async function adoptFiles(
  walk: Walk,
  files: readonly FoundFile[],
  empty: Digest | undefined,
): Promise<void> {
  const { parts, report } = walk;
  const { rowsMax } = parts.settings.limits;
  for (let at = 0; at < files.length; at += rowsMax) {
    const batch = files.slice(at, at + rowsMax);
    // Asked here first, off the event loop, so that the transaction finds the answers in memory.
    for (let from = 0; from < batch.length; from += statsMax) {
      const asked = batch.slice(from, from + statsMax);
      await Promise.all(asked.map(({ path }) => lstat(path).catch(() => undefined)));
    }
    const wrong: WrongFile[] = [];
    const adopted = await parts.departures.write("reindex", (index) => {
      wrong.length = 0;
      return batch.filter((file) => adopt(index, file, empty, wrong)).length;
    });
    report.files += batch.length;
    report.adopted += adopted;
    for (const file of wrong) await dismiss(walk, file);
  }
}

/** Gives a file its row, in a transaction; what can't be right is put on the list. */
function adopt(
  index: CacheIndex,
  file: FoundFile,
  empty: Digest | undefined,
  wrong: WrongFile[],
): boolean {
  const { digest, key, path } = file;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || index.holds.isLeaving(key)) return false;
  const row = index.lookup(key);
  // A file that was cut to nothing is what a crash of the machine leaves of an unsynced one.
  const fits = stats.isFile() && (stats.size === 0) === (digest === empty);
  if (!fits || (row !== undefined && row.size !== stats.size)) {
    wrong.push({ ...file, seq: row?.seq });
    return false;
  }
  if (row !== undefined) return false;
  index.insertEntry(key, stats.size, Math.floor(stats.mtimeMs / 1000));
  const { unseen } = index.totals();
  if (unseen > 0) index.setUnseen(Math.max(0, unseen - chargeOf(stats.size)));
  return true;
}

async function dismiss({ parts, report }: Walk, file: WrongFile): Promise<void> {
  const { digest, key, path, seq } = file;
  report.quarantined += 1;
  if (seq !== undefined) {
    const finding = { found: undefined, reads: 0, foundBy: "reindex" };
    await quarantineBlob(parts, digest, seq, finding);
    return;
  }
  // Without a row it was never counted, and there is nothing in it that is worth keeping.
  await parts.departures.write("reindex", (index) => {
    if (index.lookup(key) === undefined && !index.holds.isLeaving(key)) {
      rmSync(path, { force: true, recursive: true });
    }
  });
}

async function forgetRows(
  walk: Walk,
  above: Uint8Array,
  below: Uint8Array,
  present: ReadonlySet<Digest>,
): Promise<void> {
  const { parts, report } = walk;
  for (let from = above; ; ) {
    const rows = await parts.guard.read("reindex", (index) => index.byKey(from, below, pageRows));
    const absent = rows.filter(({ key }) => {
      const digest = digestOfKey(key);
      return digest === undefined || !present.has(digest);
    });
    const { rowsMax } = parts.settings.limits;
    for (let at = 0; at < absent.length; at += rowsMax) {
      const batch = absent.slice(at, at + rowsMax);
      report.forgotten += await parts.departures.write(
        "reindex",
        (index) => batch.filter((row) => forgetEntry(index, parts.folder, row)).length,
      );
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    from = last.key;
  }
}
