import { collect } from "../bytes.ts";
import type { Bucket } from "../bucket.ts";
import type { Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type { CallOptions } from "../source.ts";

/** The newest format of stored blobs that this release reads and writes; it knows those before. */
export const storeFormat = 2;

/** Key, below the prefix, of the object that says how the blobs beside it are laid out. */
export const formatKey = "_bitstore.json";

const formatBytesMax = 64 * 1024;

/** What a store says of itself. Format 2 is format 1 with a garbage collector. */
export interface StoreFormat {
  readonly layout: string;
  readonly minReader: number;
  readonly minWriter: number;
  /** Undefined where nothing is ever collected. */
  readonly gc?: GcFormat | undefined;
}

/** What garbage collection of a store goes by, for the collector and for everyone who reads or puts. */
export interface GcFormat {
  /** Id of the metadata bucket whose tags, pins and leases say what is kept. */
  readonly metadata: string;
  /** Where that bucket lies: a copy of it has the same id. Undefined where gc was enabled without. */
  readonly metadataPlace?: string | undefined;
  /** Milliseconds that a blob which nothing names is left alone after it was put. */
  readonly graceMs: number;
}

/** A store's format as it was read. */
export interface FoundFormat {
  readonly format: StoreFormat;
  /** Of the object, for a conditional replace. */
  readonly version: string | undefined;
}

/**
 * Reads what a store says of itself; undefined where it says nothing.
 *
 * Rejects with UNSUPPORTED where the object can't be understood. Whether this release is new enough
 * is for the caller to decide, by `minReader` and `minWriter`.
 */
export async function readStoreFormat(
  bucket: Bucket,
  root: string,
  options: CallOptions = {},
): Promise<FoundFormat | undefined> {
  const content = await bucket.read(root + formatKey, { signal: options.signal });
  if (content === undefined) return undefined;
  const { version } = content;
  const format = parseFormat(await collect(content.body, formatBytesMax), bucket.name);
  return { format, version };
}

/** Writes a format as the bytes of its object. */
export function formatBytes({ layout, minReader, minWriter, gc }: StoreFormat): Uint8Array {
  const format = { layout, minReader, minWriter, ...(gc === undefined ? {} : { gc }) };
  return new TextEncoder().encode(`${JSON.stringify(format)}\n`);
}

/** Prefix of all that a collector has moved out of a store. */
export function trashPrefix(layout: Layout): string {
  return `${layout.root}trash/`;
}

/** Prefix of the wrong bytes that were found in the place of blobs, and of what is known of them. */
export function quarantinePrefix(layout: Layout): string {
  return `${layout.root}quarantine/`;
}

/** Tells whether a key is of what was put aside. In any layout it follows the keys of all blobs. */
export function isPutAside(layout: Layout, key: string): boolean {
  return key.startsWith(quarantinePrefix(layout)) || key.startsWith(trashPrefix(layout));
}

/** Prefix of the copies that collectors made of one blob; each ends with the id of its run. */
export function trashPrefixOf(layout: Layout, digest: Digest): string {
  return `${trashPrefix(layout)}${layout.key(digest).slice(layout.root.length)}/`;
}

/** Reads a key of the trash back; undefined for an object that is no blob of this layout. */
export function parseTrashKey(
  layout: Layout,
  key: string,
): { readonly digest: Digest; readonly run: string } | undefined {
  const prefix = trashPrefix(layout);
  const slash = key.lastIndexOf("/");
  if (!key.startsWith(prefix) || slash < prefix.length) return undefined;
  const digest = layout.digest(layout.root + key.slice(prefix.length, slash));
  const run = key.slice(slash + 1);
  return digest === undefined || run === "" ? undefined : { digest, run };
}

const moveMsMax = 60 * 60 * 1000;

/**
 * Milliseconds after it began to copy a blob to the trash in which a collector may still delete the
 * blob: a quarter of the grace, one hour at most.
 */
export function moveMsOf({ graceMs }: GcFormat): number {
  return Math.min(graceMs / 4, moveMsMax);
}

/**
 * Milliseconds that a copy stays in the trash at least: two graces. The deletion that it was made for
 * may hit a blob that a put has just found there, half a grace after it was renewed, and may come a
 * quarter of a grace after the copy was begun: more than a grace is left to that put.
 */
export function trashMsOf({ graceMs }: GcFormat): number {
  return graceMs * 2;
}

/**
 * Milliseconds for which a copy in the trash counts as the blob where it can't be brought back: a
 * quarter of a grace less, so that a tag which is appended now is read before the copy is purged.
 */
export function trashSafeMsOf(gc: GcFormat): number {
  return trashMsOf(gc) - gc.graceMs / 4;
}

/** Milliseconds since an object was written, by its service's clock; undefined where it can't tell. */
export function ageMs(
  bucket: Pick<Bucket, "serviceTime">,
  object: { readonly modifiedAt: Date | undefined },
): number | undefined {
  const now = bucket.serviceTime();
  if (now === undefined || object.modifiedAt === undefined) return undefined;
  return now.getTime() - object.modifiedAt.getTime();
}

function parseFormat(bytes: Uint8Array, source: string): StoreFormat {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw formatRefusal(source, "its _bitstore.json is no JSON", cause);
  }
  if (typeof parsed === "object" && parsed !== null) {
    const fields = parsed as Partial<Record<keyof StoreFormat, unknown>>;
    const { layout, minReader, minWriter } = fields;
    if (
      typeof layout === "string" &&
      typeof minReader === "number" &&
      typeof minWriter === "number"
    ) {
      // What a later format says there is not for this release to judge.
      const isLater = minReader > storeFormat;
      const gc = isLater ? undefined : parseGc(fields.gc, minReader, source);
      return { layout, minReader, minWriter, gc };
    }
  }
  throw formatRefusal(source, "its _bitstore.json lacks layout, minReader or minWriter");
}

function parseGc(gc: unknown, minReader: number, source: string): GcFormat | undefined {
  if (gc === undefined && minReader < 2) return undefined;
  if (typeof gc === "object" && gc !== null) {
    const { metadata, metadataPlace, graceMs } = gc as Partial<Record<keyof GcFormat, unknown>>;
    const isPlace = metadataPlace === undefined || typeof metadataPlace === "string";
    if (typeof metadata === "string" && metadata !== "" && isPlace && isDuration(graceMs)) {
      return { metadata, ...(metadataPlace === undefined ? {} : { metadataPlace }), graceMs };
    }
  }
  throw formatRefusal(source, "its _bitstore.json has a gc without metadata or graceMs");
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** Makes the error of a store that this release can't use. */
export function formatRefusal(source: string, message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "UNSUPPORTED", operation: "open", source, message, cause });
}
