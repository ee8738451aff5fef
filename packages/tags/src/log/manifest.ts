import { createHash } from "node:crypto";
import { isStoreError, StoreError, type TagEntry, type TagRecord } from "@bitstore/core";
import { canonicalJson } from "./canonical-json.ts";
import { manifestBytesMax, recentMax } from "./limits.ts";

/** The format of manifests that this release reads and writes. */
const schemaKnown = 1;

/** What an entry is made of, before its bytes are. */
export type Draft = Omit<TagEntry, "sha256" | "recent">;

/** An entry and the bytes that it is stored as. */
export interface Manifest {
  readonly entry: TagEntry;
  readonly bytes: Uint8Array;
}

/** Writes of an entry what history shows. */
export function recordOf(entry: TagEntry): TagRecord {
  const { seq, op, target, time, actor, reason, nonce } = entry;
  return {
    seq,
    op,
    ...(target === undefined ? {} : { digest: target.digest }),
    ...(target?.size === undefined ? {} : { size: target.size }),
    time,
    actor,
    ...(reason === undefined ? {} : { reason }),
    nonce,
  };
}

/**
 * Makes the manifest of a draft that comes after an entry. It names as many of the entries before it
 * as fit, at most 16. Rejects with TOO_LARGE where the draft alone is longer than 64 KiB, and with
 * INVALID_ARGUMENT where it is one that readers would refuse.
 */
export async function writeManifest(
  draft: Draft,
  before: TagEntry | undefined,
  source: string,
): Promise<Manifest> {
  const all = before === undefined ? [] : [recordOf(before), ...before.recent];
  for (let count = Math.min(all.length, recentMax); count >= 0; count -= 1) {
    const recent = all.slice(0, count);
    const bytes = new TextEncoder().encode(
      canonicalJson({ ...draft, recent, schema: schemaKnown }),
    );
    if (bytes.byteLength > manifestBytesMax) continue;
    // What was acknowledged but can't be read would end its tag for good.
    const entry = await readManifest(bytes, { ...draft, source }).catch((cause: unknown) => {
      const message = `it would be ${isStoreError(cause) ? cause.detail : "unreadable"}`;
      throw refused("INVALID_ARGUMENT", draft, message, cause);
    });
    return { entry, bytes };
  }
  const message = `its manifest would have more than ${manifestBytesMax} bytes; shorten the annotations`;
  throw refused("TOO_LARGE", draft, message);
}

function refused(
  code: "INVALID_ARGUMENT" | "TOO_LARGE",
  { op, tag }: Draft,
  message: string,
  cause?: unknown,
): StoreError {
  return new StoreError({ code, operation: op, subject: tag, message, cause });
}

/** Where a manifest was found, which it must say of itself. */
export interface ManifestPlace {
  readonly namespace: string;
  readonly tag: string;
  readonly seq: number;
  /** For messages. */
  readonly source: string;
}

/**
 * Reads a manifest's bytes. Rejects with UNSUPPORTED for one that a later release wrote, or that is
 * no manifest of that place.
 */
export async function readManifest(bytes: Uint8Array, place: ManifestPlace): Promise<TagEntry> {
  const parsed = parseJson(bytes, place);
  const said: Readonly<Record<string, unknown>> = { ...(isObject(parsed) ? parsed : undefined) };
  if (typeof said["schema"] === "number" && said["schema"] > schemaKnown) {
    const message = `its format ${said["schema"]} is newer than this release can read; use a later one`;
    throw refusal(place, message);
  }
  for (const field of ["namespace", "tag", "seq"] as const) {
    if (said["schema"] === schemaKnown && said[field] !== place[field]) {
      throw refusal(place, `it says ${field} ${JSON.stringify(said[field])} of itself`);
    }
  }
  // Loaded with the first manifest, so that a command that reads none does not wait for it.
  const { manifestSchema } = await import("./manifest-schema.ts");
  const read = manifestSchema.safeParse(parsed);
  if (said["schema"] !== schemaKnown || !read.success) {
    const issue = read.error?.issues[0];
    const where = issue === undefined ? "schema" : issue.path.join(".") || issue.message;
    const message = `it is no manifest that this release knows (${where}); look at it with tag verify`;
    throw refusal(place, message);
  }
  return freeze({ ...read.data, sha256: sha256Hex(bytes) });
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array, place: ManifestPlace): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refusal(place, "its bytes are no JSON", cause);
  }
}

function refusal(
  { tag, seq, source }: ManifestPlace,
  message: string,
  cause?: unknown,
): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "read",
    subject: `${tag}@${seq}`,
    source,
    message,
    cause,
  });
}

/** The parsed members are plain JSON; an entry is kept in memory and handed to many. */
function freeze(entry: TagEntry): TagEntry {
  for (const member of Object.values(entry)) {
    if (typeof member === "object" && member !== null) Object.freeze(member);
  }
  return Object.freeze(entry);
}
