import { closeSync } from "node:fs";
import {
  checkRange,
  type Content,
  contentOfBytes,
  contentOfStream,
  type Digest,
  type OpenOptions,
  resolveRange,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { KeyedRow } from "./cache-index.ts";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { closeFile, openForRead, readExactly, statFile } from "./file-calls.ts";
import { forgetEntry } from "./forget-entry.ts";
import { quarantineBlob } from "./quarantine.ts";
import { readSpan } from "./read-file.ts";

/**
 * Opens a blob. The index says whether it is there; while it can't (it is being made anew) the file
 * does. A file that vanished is a miss, one of another size is quarantined and a miss; both are
 * put right in the background. A read goes on when its blob is evicted.
 */
export async function openBlob(
  parts: CacheParts,
  digest: Digest,
  options: OpenOptions = {},
): Promise<Content | undefined> {
  const { guard, notes, settings } = parts;
  checkRange(options.range, "open", digest);
  throwIfAborted(options.signal, "open", digest);
  const found = guard.lookup(keyOf(digest));
  const row = typeof found === "string" ? undefined : found;
  let content: Content | undefined;
  if (found !== "absent") {
    const whole = row !== undefined && row.size <= settings.limits.readBytes;
    try {
      content = whole
        ? await openSmall(parts, digest, row, options)
        : await openLarge(parts, digest, row, options);
    } catch (error) {
      content = await explain(parts, digest, row, error);
    }
  }
  if (content === undefined) notes.count("misses");
  else notes.hit(row);
  return content;
}

/** Reads a small blob whole, so that nothing stays open and there is no second trip to the disk. */
async function openSmall(
  parts: CacheParts,
  digest: Digest,
  row: KeyedRow,
  options: OpenOptions,
): Promise<Content | undefined> {
  const { settings, folder, guard } = parts;
  const { size, seq } = row;
  const version = `${guard.epoch()}-${seq}`;
  checkVersion(options.version, version, digest, settings.name);
  const range = resolveRange(options.range, size, "open", digest);
  const fd = await openForRead(folder.blobPath(digest));
  // Closing what was only read costs 2 µs, a trip to another thread and back 30.
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readExactly(fd, size);
  } finally {
    closeSync(fd);
  }
  if (bytes === undefined) return wrongSize(parts, digest, row);
  throwIfAborted(options.signal, "open", digest);
  const about = { size, range, source: settings.name, role: "cache", version } as const;
  const whole = range.start === 0 && range.end === size;
  return contentOfBytes(about, whole ? bytes : bytes.subarray(range.start, range.end));
}

async function openLarge(
  parts: CacheParts,
  digest: Digest,
  row: KeyedRow | undefined,
  options: OpenOptions,
): Promise<Content | undefined> {
  const { settings, folder, guard } = parts;
  const source = settings.name;
  const fd = await openForRead(folder.blobPath(digest));
  let handedOut = false;
  try {
    const stats = await statFile(fd);
    const { size } = stats;
    if (size !== (row?.size ?? size) || !stats.isFile()) return wrongSize(parts, digest, row);
    const copy = row === undefined ? `unseen-${stats.ino}` : `${guard.epoch()}-${row.seq}`;
    const version = `${copy}-${stats.mtimeMs}`;
    checkVersion(options.version, version, digest, source);
    const range = resolveRange(options.range, size, "open", digest);
    throwIfAborted(options.signal, "open", digest);
    let chunkBytes = settings.limits.readBytes;
    const span = {
      ...range,
      chunkBytes: () => chunkBytes,
      check: () => throwIfAborted(options.signal, "read", digest),
    };
    const content = contentOfStream(
      { size, range, source, role: "cache", version },
      () => readSpan(fd, span, source),
      () => closeFile(fd),
    );
    const bytes = (): Promise<Uint8Array> => {
      // One buffer for the whole range, so that collecting it copies nothing.
      chunkBytes = Math.max(1, range.end - range.start);
      return content.bytes();
    };
    handedOut = true;
    return { ...content, bytes };
  } finally {
    if (!handedOut) await closeFile(fd);
  }
}

function wrongSize(parts: CacheParts, digest: Digest, row: KeyedRow | undefined): undefined {
  const finding = { found: undefined, reads: 0, foundBy: "open" };
  void parts.background(() => quarantineBlob(parts, digest, row?.seq, finding));
  return undefined;
}

/** Says what a failure to open means: a miss, or an error of ours. */
async function explain(
  parts: CacheParts,
  digest: Digest,
  row: KeyedRow | undefined,
  error: unknown,
): Promise<undefined> {
  const { settings, folder, departures, notes } = parts;
  if (diskFault(error) === "absent") {
    if (row === undefined) return undefined;
    void parts.background(async () => {
      const gone = await departures.write("open", (index) => forgetEntry(index, folder, row));
      if (gone) notes.count("vanished");
    });
    return undefined;
  }
  // A symlink, a folder or a pipe where a file should be: somebody has put it there.
  if (isForeign(error)) return wrongSize(parts, digest, row);
  throw toStoreError(error, { operation: "open", subject: digest, source: settings.name });
}

const foreignCodes: ReadonlySet<unknown> = new Set(["ELOOP", "EISDIR", "ENXIO", "ESPIPE"]);

function isForeign(error: unknown): boolean {
  return error instanceof Error && "code" in error && foreignCodes.has(error.code);
}

function checkVersion(
  wanted: string | undefined,
  version: string,
  digest: Digest,
  source: string,
): void {
  if (wanted === undefined || wanted === version) return;
  throw new StoreError({
    code: "PRECONDITION_FAILED",
    operation: "open",
    subject: digest,
    source,
    message: "the cached copy is not the one that was read before; open it without a version",
  });
}
