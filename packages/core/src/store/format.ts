import { collect } from "../bytes.ts";
import type { Bucket } from "../bucket.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type { CallOptions } from "../source.ts";

/** The format of stored blobs that this release reads and writes. */
export const storeFormat = 1;

/** Key, below the prefix, of the object that says how the blobs beside it are laid out. */
export const formatKey = "_bitstore.json";

const formatBytesMax = 64 * 1024;

interface Format {
  readonly layout: string;
  readonly minReader: number;
  readonly minWriter: number;
}

/** Checks, once per store and kind of use, that this release may read or write what is there. */
export interface FormatGuard {
  beforeRead(options?: CallOptions): Promise<void>;
  /** Also writes the object where there is none. */
  beforeWrite(options?: CallOptions): Promise<void>;
}

/**
 * Makes the guard of one store. A bucket without the object was written by something else, such as
 * epic-bitstore: it is read as it is. One that can't be asked (no permission) is taken as such.
 *
 * Rejects with UNSUPPORTED where the object wants a newer release, or names another layout.
 */
export function formatGuard(bucket: Bucket, prefix: string, layout: Layout): FormatGuard {
  const key = prefix + formatKey;
  let readable = false;
  let writable = false;

  async function load(options: CallOptions): Promise<Format | undefined> {
    const content = await bucket.read(key, { signal: options.signal });
    if (content === undefined) return undefined;
    return parseFormat(await collect(content.body, formatBytesMax), bucket.name);
  }
  function check(format: Format, needed: number, use: "read" | "write"): void {
    if (needed > storeFormat) {
      throw refusal(bucket.name, `its format ${needed} is newer than this release can ${use}`);
    }
    if (format.layout !== layout.name) {
      throw refusal(
        bucket.name,
        `its blobs are laid out ${format.layout}, the tier says layout=${layout.name}`,
      );
    }
  }
  return {
    async beforeRead(options = {}) {
      if (readable) return;
      const format = await load(options).catch((error: unknown) => {
        if (isStoreError(error, "PERMISSION_DENIED")) return undefined;
        throw error;
      });
      if (format !== undefined) check(format, format.minReader, "read");
      readable = true;
    },
    async beforeWrite(options = {}) {
      if (writable) return;
      const found = await load(options);
      if (found !== undefined) check(found, found.minWriter, "write");
      else {
        const format: Format = { layout: layout.name, minReader: 1, minWriter: 1 };
        const body = new TextEncoder().encode(`${JSON.stringify(format)}\n`);
        const ifAbsent = bucket.capabilities.createIfAbsent;
        await bucket.put(key, body, { ifAbsent, size: body.byteLength, signal: options.signal });
      }
      writable = true;
      readable = true;
    },
  };
}

function parseFormat(bytes: Uint8Array, source: string): Format {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw refusal(source, "its _bitstore.json is no JSON", cause);
  }
  if (typeof parsed === "object" && parsed !== null) {
    const { layout, minReader, minWriter } = parsed as Partial<Record<keyof Format, unknown>>;
    if (
      typeof layout === "string" &&
      typeof minReader === "number" &&
      typeof minWriter === "number"
    ) {
      return { layout, minReader, minWriter };
    }
  }
  throw refusal(source, "its _bitstore.json lacks layout, minReader or minWriter");
}

function refusal(source: string, message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "UNSUPPORTED", operation: "open", source, message, cause });
}
