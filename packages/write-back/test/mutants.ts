/** One mistake, as edits of the sources. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly {
    readonly file: string;
    readonly find: string;
    readonly replace: string;
  }[];
}

function mutant(name: string, file: string, find: string, replace: string): Mutant {
  return { name, edits: [{ file, find, replace }] };
}

const folderSync = "await folder.sync(dirname(path));";
const recoverSync = "await folder.sync(join(folders, part));";

/** Mistakes that lose, spoil or resurrect a blob, or let in more than there is room for. */
export const mutants: readonly Mutant[] = [
  mutant("never syncs the file", "stage-body.ts", "await file?.sync();", ""),
  mutant("never syncs the folder", "publish.ts", folderSync, ""),
  mutant(
    "never syncs the folder's own name",
    "journal-folder.ts",
    "await sync(dirname(path));",
    "await Promise.resolve();",
  ),
  mutant(
    "acknowledges before the link",
    "publish.ts",
    "await files.link(staged.path, path);",
    "void files.link(staged.path, path).catch(() => undefined);",
  ),
  mutant(
    "shares a sync that began too early",
    "journal-folder.ts",
    "if (running === undefined) {",
    "if (running !== undefined) return running.current;\n    else {",
  ),
  mutant(
    "removes the file before the origin has it",
    "upload-blob.ts",
    "const stored = await origin.put(",
    "await files.unlink(folder.pendingPath(digest));\n    const stored = await origin.put(",
  ),
  mutant(
    "uploads without looking at the bytes again",
    "upload-blob.ts",
    'yield* verifyStream(readSpan(opened, span), digest, "upload", source, size);',
    "yield* readSpan(opened, span);",
  ),
  mutant("drops a rotten file", "set-aside.ts", "await files.link(path, kept);", ""),
  mutant(
    "remembers for ever what went bad",
    "upload-blob.ts",
    "await dropRotten(journal, digest);",
    "",
  ),
  mutant(
    "vouches for a rotten file that is there",
    "put-blob.ts",
    "const standing = await standingOf(journal, digest);",
    'const standing: string = "right";',
  ),
  mutant(
    "drops what the origin refuses",
    "uploader.ts",
    "rest(entry, limits.refusedRetryMs);",
    'journal.pending.remove(entry, "lost", error);\n' +
      "    void journal.files.unlink(journal.folder.pendingPath(entry.digest));",
  ),
  mutant(
    "gives up after some failures",
    "uploader.ts",
    "rest(entry, askedMs + pauseOf(entry.failures));",
    "if (entry.failures < 2) rest(entry, askedMs + pauseOf(entry.failures));",
  ),
  mutant(
    "drops what there is no room for",
    "put-blob.ts",
    "await using staging = stageBody(journal, signal);",
    "await using staging = stageBody(journal, signal);\n" +
      "  if (digest && journal.room.usedBytes() > 30000) " +
      '{ return { digest, size: known ?? 0, outcome: "created" }; }',
  ),
  mutant(
    "lets in more than there is room for",
    "room.ts",
    "usedBytes + bytes <= bytesMax && usedEntries + entries <= entriesMax",
    "usedBytes <= bytesMax && usedEntries <= entriesMax + bytes * 0 + entries",
  ),
  mutant(
    "gives room back twice",
    "room.ts",
    "if (!isOpen) return;\n          isOpen = false;",
    "isOpen = false;",
  ),
  mutant(
    "lets two processes own a directory",
    "own-directory.ts",
    "if (lock !== undefined) return lock;",
    "return lock ?? { release: () => undefined };",
  ),
  mutant(
    "acknowledges a delete before it is durable",
    "pending-source.ts",
    "await removals.settle(dirname(path));",
    "",
  ),
  mutant("trusts that the last owner had synced", "recover.ts", recoverSync, ""),
  mutant(
    "lets an upload go on that was deleted",
    "pending-source.ts",
    'await orAborted(endOf(journal, upload.over), signal, "delete", digest);',
    "",
  ),
  mutant(
    "does not abort the upload of what was deleted",
    "uploader.ts",
    'if (entry.state !== "uploading") return;\n    if (signal.aborted)',
    'if (entry.state === "deleted") queue(entry);\n    if (signal.aborted)',
  ),
  mutant(
    "takes a lost answer for an upload",
    "upload-blob.ts",
    "return { error, isLocal };",
    'return isStoreError(error, "TIMEOUT") ? undefined : { error, isLocal };',
  ),
  mutant(
    "leaves temporary files",
    "recover.ts",
    "await files.unlink(folder.tmpPath(name));",
    "void name;",
  ),
];
