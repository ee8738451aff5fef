import { type BigIntStats } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { untilSettled } from "@bitstore/config";
import { isStoreError, type PutResult, StoreError } from "@bitstore/core";
import { type CollectionMember, formatCollection } from "@bitstore/tags";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { toStoreError } from "../frame/system-error.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { originAlgorithm } from "../input/origin-algorithm.ts";
import { putFile } from "../input/put-file.ts";
import { showStatusLine } from "../output/status-line.ts";
import type { OpenedStore } from "../store/open-store.ts";
import { type FolderFiles, listFiles } from "./list-files.ts";

/** Files that are hashed and put at a time. */
const filesInWorkMax = 8;

/** A collection that was stored. */
export interface StoredCollection extends PutResult {
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
}

/**
 * Stores every file below a folder and then the collection that names them. Resolves to undefined
 * where a file could not be stored, which was told then; the files that were stay, unnamed. Modes and
 * times of files are not kept.
 *
 * Rejects with INVALID_ARGUMENT, before anything is stored, where something below the folder can't be
 * part of a collection: each is told.
 */
export async function putCollection(
  invocation: Invocation,
  opened: OpenedStore,
  name: string,
): Promise<StoredCollection | undefined> {
  const { io, fail, signal } = invocation;
  const { note } = invocation.output;
  const folder = resolve(io.cwd, name);
  const found = await listFiles(folder, await foldersOf(opened), signal);
  if (found.leftOut.length > 0) {
    invocation.output.note(`left out, since the store lies there: ${found.leftOut.join(", ")}`);
  }
  refuseAny(invocation, name, found);
  const { store } = opened;
  const algorithm = originAlgorithm(opened);
  const members: CollectionMember[] = [];
  const tally = { files: 0, bytes: 0, read: 0 };
  using line = showStatusLine(invocation, () => {
    const files = `${tally.files} of ${formatCount(found.names.length, "file")}`;
    return `${files}, ${formatBytes(tally.read)} read`;
  });
  const onBytes = (bytes: number): void => {
    tally.read += bytes;
  };
  const outcomes = mapOrdered(found.names, filesInWorkMax, async (file) => {
    const path = join(folder, file);
    try {
      const before = await lstat(path, { bigint: true });
      if (!before.isFile()) throw changed(file);
      const call = { algorithm, signal, stdin: io.stdin, cwd: folder, onBytes };
      const result = await putFile(store, path, call);
      if (!isSame(before, await lstat(path, { bigint: true }))) throw changed(file);
      return { file, result };
    } catch (error) {
      return { file, error };
    }
  });
  for await (const { file, result, error } of outcomes) {
    if (signal.aborted) throw signal.reason;
    tally.files += 1;
    if (result === undefined) fail(aboutFile(error, file), join(name, file));
    else {
      const { digest, size } = result;
      members.push({ name: file, digest, size });
      tally.bytes += size;
    }
  }
  line.stop();
  if (members.length < found.names.length) {
    invocation.output.note(`${name} is not tagged: not all of its files could be stored`);
    return undefined;
  }
  // A tag names what is in the list as well, so all of it has to be at the origin.
  if (opened.journal !== undefined) {
    const onWait = (): void => note("waiting for the upload of its files; interrupt to stop");
    for (const { digest } of members) await untilSettled(store, digest, { signal }, { onWait });
  }
  const stored = await store.put(formatCollection(members), { algorithm, signal });
  return { ...stored, files: tally.files, bytes: tally.bytes };
}

/** Lists the folders that a store keeps its own objects in, by their real paths. */
async function foldersOf({ config }: OpenedStore): Promise<ReadonlySet<string>> {
  const { metadata, journal } = config;
  const stores = [...config.tiers.map(({ store }) => store), ...(metadata ? [metadata] : [])];
  const directories = stores.flatMap(({ location }) =>
    location.kind === "file" ? [location.directory] : [],
  );
  if (journal !== undefined) directories.push(journal.directory);
  const folders = new Set<string>();
  for (const directory of directories) {
    folders.add(await realpath(directory).catch(() => resolve(directory)));
  }
  return folders;
}

function refuseAny({ output }: Invocation, folder: string, { names, refused }: FolderFiles): void {
  for (const { name, problem } of refused) {
    const words = `refused  ${JSON.stringify(name)}: ${problem}`;
    output.aside({ refused: { name, problem } }, escapeControls(words));
  }
  if (refused.length > 0) {
    const count = formatCount(refused.length, "file");
    throw badUsage(
      `${count} below ${folder} can't be part of a collection; nothing was stored`,
      "names are of A-Z a-z 0-9 . _ - and /; rename them, or take them out",
    );
  }
  if (names.length === 0) {
    throw badUsage(`there is no file below ${folder}`, "name the folder that holds the files");
  }
}

/** The path that is read is absolute; people know the file by the one below their folder. */
function aboutFile(error: unknown, file: string): StoreError {
  const failure = toStoreError(error, "put", file);
  return isStoreError(failure, "DIGEST_MISMATCH") ? changed(file, failure) : failure;
}

function changed(subject: string, cause?: unknown): StoreError {
  const message = "the file changed while it was read; try again when nothing writes to it";
  return new StoreError({ code: "DIGEST_MISMATCH", operation: "put", subject, message, cause });
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return (
    after.isFile() &&
    before.ino === after.ino &&
    before.dev === after.dev &&
    before.size === after.size &&
    before.mtimeNs === after.mtimeNs
  );
}
