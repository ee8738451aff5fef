import type { Bucket } from "../bucket.ts";
import type { Clock } from "../clock.ts";
import { isStoreError, type StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import { isNotMade } from "../not-made.ts";
import type { CallOptions } from "../source.ts";
import {
  formatBytes,
  formatKey,
  formatRefusal,
  type GcFormat,
  readStoreFormat,
  type StoreFormat,
  storeFormat,
} from "./format.ts";

/** Checks that this release may use what is there; resolves to what gc of the store goes by. */
export interface FormatGuard {
  beforeRead(options?: CallOptions): Promise<GcFormat | undefined>;
  /** Also writes the object where there is none. */
  beforeWrite(options?: CallOptions): Promise<GcFormat | undefined>;
}

export interface FormatGuardOptions {
  readonly clock: Clock;
  /** Milliseconds after which the object is read again, so that a long-running process learns. */
  readonly formatTtlMs: number;
}

/** A minute: a collector waits for ten from the day that it was enabled. */
export const formatTtlMsDefault = 60_000;

/** How long what was read is gone by while it can't be read again: half of what a collector waits. */
const formatStaleMsMax = 5 * 60_000;

interface Known {
  readonly format: StoreFormat | undefined;
  /** When it was asked for: what is said there may have changed since. */
  readonly atMs: number;
  readonly denied?: StoreError | undefined;
}

/**
 * Makes the guard of one store. A bucket without the object was written by something else, such as
 * epic-bitstore: it is read as it is. One that can't be asked (no permission) is taken as such.
 *
 * Rejects with UNSUPPORTED where the object wants a newer release, or names another layout.
 */
export function formatGuard(
  bucket: Bucket,
  layout: Layout,
  { clock, formatTtlMs }: FormatGuardOptions,
): FormatGuard {
  let known: Known | undefined;
  let refreshing = false;

  async function load(options: CallOptions): Promise<Known> {
    const atMs = clock.now();
    try {
      const found = await readStoreFormat(bucket, layout.root, options);
      known = { format: found?.format, atMs };
    } catch (error) {
      if (!isStoreError(error, "PERMISSION_DENIED")) throw error;
      known = { format: undefined, atMs, denied: error };
    }
    return known;
  }

  /** What is known, asked again by one caller at a time: the others go by what it was. */
  async function current(options: CallOptions): Promise<Known> {
    const old = known;
    const ageMs = old === undefined ? Number.POSITIVE_INFINITY : clock.now() - old.atMs;
    if (old === undefined || ageMs > formatStaleMsMax) return await load(options);
    if (ageMs < formatTtlMs || refreshing) return old;
    refreshing = true;
    try {
      return await load(options);
    } catch (error) {
      if (isStoreError(error) && error.persistence === "transient") return old;
      throw error;
    } finally {
      refreshing = false;
    }
  }

  /** What is there for a write, which may make a directory that no read could look into. */
  async function forWrite(options: CallOptions): Promise<Known> {
    try {
      return await current(options);
    } catch (error) {
      if (known !== undefined || !isNotMade(error)) throw error;
      return await write(options);
    }
  }

  function check(format: StoreFormat, needed: number, use: "read" | "write"): void {
    if (needed > storeFormat) {
      throw formatRefusal(
        bucket.name,
        `its format ${needed} is newer than this release can ${use}; use a later one`,
      );
    }
    if (format.layout !== layout.name) {
      throw formatRefusal(
        bucket.name,
        `its blobs are laid out ${format.layout}, the tier says layout=${layout.name}`,
      );
    }
  }

  /** Says the format of a store that says none. Format 1: older releases use it as well. */
  async function write(options: CallOptions): Promise<Known> {
    const format: StoreFormat = { layout: layout.name, minReader: 1, minWriter: 1 };
    const body = formatBytes(format);
    const atMs = clock.now();
    const outcome = await bucket.put(layout.root + formatKey, body, {
      ifAbsent: bucket.capabilities.createIfAbsent,
      size: body.byteLength,
      signal: options.signal,
    });
    if (outcome === "existed") return await load(options);
    known = { format, atMs };
    return known;
  }

  return {
    async beforeRead(options = {}) {
      const { format } = await current(options);
      if (format !== undefined) check(format, format.minReader, "read");
      return format?.gc;
    },
    async beforeWrite(options = {}) {
      let { format, denied } = await forWrite(options);
      if (denied !== undefined) throw denied;
      if (format === undefined) ({ format, denied } = await write(options));
      if (format !== undefined) {
        check(format, format.minReader, "read");
        check(format, format.minWriter, "write");
      }
      return format?.gc;
    },
  };
}
