import {
  type Content,
  contentOfStream,
  type Digest,
  type OpenOptions,
  resolveRange,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { errnoOf, toStoreError } from "./disk-error.ts";
import { readSpan } from "./read-file.ts";
import type { JournalPlace } from "./scan-pending.ts";

/** Opens the file of a pending blob; undefined where it is not pending any more, or never was. */
export async function openPending(
  { files, folder, settings }: JournalPlace,
  digest: Digest,
  options: OpenOptions,
): Promise<Content | undefined> {
  const { limits, name } = settings;
  const place = { operation: "open", subject: digest, source: name };
  const file = await files.openForRead(folder.pendingPath(digest)).catch((error: unknown) => {
    // It has reached the origin meanwhile, which is asked next.
    if (errnoOf(error) === "ENOENT") return undefined;
    throw toStoreError(error, place);
  });
  if (file === undefined) return undefined;
  try {
    throwIfAborted(options.signal, "open", digest);
    const { size, modifiedMs } = file;
    const version = `pending-${modifiedMs}-${size}`;
    if (options.version !== undefined && options.version !== version) {
      const message = "the pending copy is not the one that was read before; open it anew";
      throw new StoreError({ code: "PRECONDITION_FAILED", ...place, message });
    }
    const range = resolveRange(options.range, size, "open", digest);
    const span = { ...range, chunkBytes: limits.readBytes, source: name };
    return contentOfStream(
      { size, range, source: name, role: "cache", version },
      async function* () {
        for await (const chunk of readSpan(file, span)) {
          throwIfAborted(options.signal, "read", digest);
          yield chunk;
        }
      },
      () => file.close().catch(() => undefined),
    );
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}
