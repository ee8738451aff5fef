import type { Mutant } from "../../../test/sim/mutant.ts";

function mutant(name: string, file: string, find: string, replace: string, why: string): Mutant {
  return { name, file: `packages/write-back/src/${file}`, find, replace, why };
}

const folderSync = "await folder.sync(dirname(path));";
const recoverSync = "await folder.sync(path);";

/** Mistakes that lose, spoil or resurrect a blob, or let in more than there is room for. */
export const mutants: readonly Mutant[] = [
  mutant(
    "never syncs the file",
    "stage-body.ts",
    "await file?.sync();",
    "",
    "F21: what was acknowledged is torn by a loss of power",
  ),
  mutant(
    "never syncs the folder",
    "publish.ts",
    folderSync,
    "",
    "F21: what was acknowledged has no name after a loss of power",
  ),
  mutant(
    "never syncs the folder's own name",
    "journal-folder.ts",
    "await sync(dirname(path));",
    "await Promise.resolve();",
    "F21: a folder that holds what was acknowledged is gone after a loss of power",
  ),
  mutant(
    "acknowledges before the link",
    "publish.ts",
    "await files.link(staged.path, path);",
    "void files.link(staged.path, path).catch(() => undefined);",
    "F21: what was acknowledged is lost by a kill",
  ),
  mutant(
    "shares a sync that began too early",
    "journal-folder.ts",
    "if (running === undefined) {",
    "if (running !== undefined) return running.current;\n    else {",
    "F21: a name that came during a sync is not covered by it",
  ),
  mutant(
    "removes the file before the origin has it",
    "upload-blob.ts",
    "const stored = await origin.put(",
    "await files.unlink(folder.pendingPath(digest));\n    const stored = await origin.put(",
    "F21: a kill in between loses the blob",
  ),
  mutant(
    "uploads without looking at the bytes again",
    "upload-blob.ts",
    'yield* verifyStream(readSpan(opened, span), digest, "upload", source, size);',
    "yield* readSpan(opened, span);",
    "F10: what the disk has spoilt is stored under a digest",
  ),
  mutant(
    "drops a rotten file",
    "set-aside.ts",
    "await files.link(path, kept);",
    "",
    "F21: nobody learns that an acknowledged blob is lost",
  ),
  mutant(
    "remembers for ever what went bad",
    "upload-blob.ts",
    "await dropRotten(journal, digest);",
    "",
    "F4: a blob that was put again is still told as lost",
  ),
  mutant(
    "vouches for a rotten file that is there",
    "put-blob.ts",
    "const standing = await standingOf(journal, digest);",
    'const standing: string = "right";',
    "F4, F10: a put is acknowledged by bytes that are wrong",
  ),
  mutant(
    "drops what the origin refuses",
    "uploader.ts",
    "rest(entry, limits.refusedRetryMs);",
    'journal.pending.remove(entry, "lost", error);\n' +
      "    void journal.files.unlink(journal.folder.pendingPath(entry.digest));",
    "F21: a refusal that an operator could mend loses the blob",
  ),
  mutant(
    "gives up after some failures",
    "uploader.ts",
    "rest(entry, askedMs + pauseOf(entry.failures));",
    "if (entry.failures < 2) rest(entry, askedMs + pauseOf(entry.failures));",
    "F21: an outage that lasts keeps blobs from the origin for ever",
  ),
  mutant(
    "drops what there is no room for",
    "put-blob.ts",
    "await using staging = stageBody(journal, signal);",
    "await using staging = stageBody(journal, signal);\n" +
      "  if (digest && journal.room.usedBytes() > 30000) " +
      '{ return { digest, size: known ?? 0, outcome: "created" }; }',
    "F21: a full journal acknowledges and forgets",
  ),
  mutant(
    "lets in more than there is room for",
    "room.ts",
    "usedBytes + bytes <= bytesMax && usedEntries + entries <= entriesMax",
    "usedBytes <= bytesMax && usedEntries <= entriesMax + bytes * 0 + entries",
    "F28, F25: the journal outgrows its budget",
  ),
  mutant(
    "gives room back twice",
    "room.ts",
    "if (!isOpen) return;\n          isOpen = false;",
    "isOpen = false;",
    "F25: the count of what is there drifts, and the budget with it",
  ),
  mutant(
    "lets two processes own a directory",
    "own-directory.ts",
    "if (lock !== undefined) return lock;",
    "return lock ?? { release: () => undefined };",
    "F19: two owners upload and remove the same files",
  ),
  mutant(
    "acknowledges a delete before it is durable",
    "pending-source.ts",
    "await removals.settle(dirname(path));",
    "",
    "F19, F20: what was deleted comes back after a loss of power",
  ),
  mutant(
    "trusts that the last owner had synced",
    "recover.ts",
    recoverSync,
    "",
    "F21: a name that was seen after a kill is gone after a loss of power",
  ),
  mutant(
    "lets an upload go on that was deleted",
    "pending-source.ts",
    'await orAborted(endOf(journal, upload.over), signal, "delete", digest);',
    "",
    "F19, F20: what was deleted arrives at the origin",
  ),
  mutant(
    "does not abort the upload of what was deleted",
    "uploader.ts",
    'if (entry.state !== "uploading") return;\n    if (signal.aborted)',
    'if (entry.state === "deleted") queue(entry);\n    if (signal.aborted)',
    "F19, F20: what was deleted arrives at the origin",
  ),
  mutant(
    "takes a lost answer for an upload",
    "upload-blob.ts",
    "return { error, isLocal };",
    'return isStoreError(error, "TIMEOUT") ? undefined : { error, isLocal };',
    "F15: what never arrived is dropped from the journal",
  ),
  mutant(
    "leaves temporary files",
    "recover.ts",
    "await files.unlink(folder.tmpPath(name));",
    "void name;",
    "F25: the disk fills with what nobody counts",
  ),
];
