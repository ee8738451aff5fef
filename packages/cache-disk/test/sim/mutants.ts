import type { Mistake, Mutant } from "../../../../test/sim/mutant.ts";

const at = (file: string): string => `packages/cache-disk/src/${file}.ts`;

/** Mistakes of one line that a cache on disk could have. */
const alone: readonly Mutant[] = [
  {
    name: "an I/O error is a miss",
    file: at("open-blob"),
    find: 'throw toStoreError(error, { operation: "open", subject: digest, source: settings.name });',
    replace: "return undefined;",
    why: "F1: what the disk could not answer counts as not there",
  },
  {
    name: "what was taken out keeps its row",
    file: at("departures"),
    find: "if (!index.deleteEntry(seq)) continue;",
    replace: "",
    why: "F4: the index vouches for a file that is gone",
  },
  {
    name: "rows of files that vanished stay",
    file: at("forget-entry"),
    find: "return index.deleteEntry(row.seq);",
    replace: "return true;",
    why: "F4, F25: the index counts what somebody has removed",
  },
  {
    name: "a row vouches for its file",
    file: at("publish"),
    find: "if (outcome.seq > hold.sequence || (await isThere(parts, blob.digest, signal)))",
    replace: "if (outcome.seq > 0)",
    why: "F4, F10: a put is acknowledged by a file that has rotted",
  },
  {
    name: "a body is not held against its digest",
    file: at("put-blob"),
    find: 'if (digest !== undefined) checkDigest(digest, actual, "put", settings.name);\n  return { digest: actual, size };',
    replace: "return { digest: digest ?? actual, size };",
    why: "F10: wrong bytes are stored under a digest",
  },
  {
    name: "a file of another size is served",
    file: at("open-blob"),
    find: "if (size !== (row?.size ?? size) || !stats.isFile()) return wrongSize(parts, digest, row);",
    replace: "",
    why: "F11, F28: a file that was cut passes for the blob",
  },
  {
    name: "a short read counts as whole",
    file: at("file-calls"),
    find: "done += count;",
    replace: "done = into.byteLength;",
    why: "F11, F28: bytes that were never read are handed out",
  },
  {
    name: "a short write counts as whole",
    file: at("file-calls"),
    find: "let written = await writeOnce(fd, left.slice(0, 1024));",
    replace:
      "await writeOnce(fd, left.slice(0, 1024));\n" +
      "    let written = left.reduce((sum, { byteLength }) => sum + byteLength, 0);",
    why: "F10, F28: what is stored is not what was hashed",
  },
  {
    name: "a declared size is not held against the body",
    file: at("put-blob"),
    find: "if (options.size !== undefined && size !== options.size) {",
    replace: "if (options.size !== undefined && size < 0) {",
    why: "F28: a body of another length than was promised is taken",
  },
  {
    name: "a blob is not synced",
    file: at("staged-file"),
    find: "if (settings.fsync && fd !== undefined) await syncFile(fd);",
    replace: "",
    why: "F21: what was to outlive a loss of power is torn by it",
  },
  {
    name: "any temporary file is a dead one's",
    file: at("recover"),
    find: "if (!alive.has(ownerOfFile(name)))",
    replace: "if (files.length > alive.size * 0)",
    why: "F19: who clears up takes the file of a put that is under way",
  },
  {
    name: "a file that can't be opened stays open",
    file: at("open-blob"),
    find: "if (!handedOut) await closeFile(fd);",
    replace: "",
    why: "F23: handles run out",
  },
  {
    name: "a file that was read whole stays open",
    file: at("open-blob"),
    find: "closeSync(fd);",
    replace: "",
    why: "F23: handles run out",
  },
  {
    name: "a claim that fails keeps its lock",
    file: at("owners"),
    find: "await claim.release();\n    throw error;",
    replace: "throw error;",
    why: "F23, F8: a lock that nobody holds any more is held until the process ends",
  },
  {
    name: "bytes are given back before the file is gone",
    file: at("departures"),
    find: "if (await removeFile(departure)) removed += 1;",
    replace:
      "await write(operation, (index) => void index.holds.drop(departure.id));\n" +
      "            if (await removeFile(departure)) removed += 1;",
    why: "F25: others fill the room before it is there",
  },
  {
    name: "bytes of what was removed are not given back",
    file: at("departures"),
    find: "defer(departure.epoch, (index) => void index.holds.drop(departure.id));",
    replace: "",
    why: "F25: the cache shrinks for ever",
  },
  {
    name: "a put leaves its temporary file",
    file: at("staged-file"),
    find: "await rm(folder.tmpPath(left.name), { force: true }).catch(() => undefined);",
    replace: "",
    why: "F25: the disk fills with what nobody counts",
  },
  {
    name: "who died after the rename leaves a blob without a row",
    file: at("recover"),
    find: "if (existsSync(path)) rmSync(path, { force: true });",
    replace: "",
    why: "F25: a file stands that nobody counts",
  },
  {
    name: "a want is not counted",
    file: at("make-way"),
    find: "bytes: bytes + want.bytes - limit.bytesMax,",
    replace: "bytes: bytes - limit.bytesMax,",
    why: "F25: a cache outgrows its budget by what is put",
  },
  {
    name: "files that no walk has seen take no room",
    file: at("room"),
    find: "bytes: want.bytes + unseen",
    replace: "bytes: want.bytes",
    why: "F25: after its index was lost a cache outgrows its budget",
  },
  {
    name: "a body takes no more room as it grows",
    file: at("staged-file"),
    find: "else if (total > hold.bytes) hold = await room.grow(hold, size, signal);",
    replace: "",
    why: "F28, F25: a body of unknown length outgrows the budget",
  },
  {
    name: "a rebuild adopts nothing",
    file: at("walk"),
    find: "index.insertEntry(key, stats.size, Math.floor(stats.mtimeMs / 1000));",
    replace: "",
    why: "F25: a cache that was full is empty after its index was lost",
  },
];

/** Mistakes that the histories must find. */
export const mistakes: readonly Mistake[] = alone.map((mutant) => ({
  name: mutant.name,
  mutants: [mutant],
}));
