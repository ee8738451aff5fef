import type { Bucket, ObjectInfo } from "../bucket.ts";
import { publishAlarm } from "../diagnostics.ts";
import { algorithmOf, type Digest, hexOf } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import { createHasher } from "../hasher.ts";
import type { Layout } from "../layout.ts";
import { verifyStream } from "../verify.ts";
import { type CopyProvenance, provenanceBytes } from "./copy-provenance.ts";
import { quarantinePrefix } from "./format.ts";
import { touched } from "./touched.ts";

/** How much one store keeps of bytes that were wrong. What was kept first stays. */
export interface QuarantineLimits {
  /** Copies that are kept at a time. A store that has more of them needs a person, not a repair. */
  readonly copiesMax: number;
  /** Bytes of all of them together. */
  readonly bytesMax: number;
}

export const quarantineLimitsDefault: QuarantineLimits = {
  copiesMax: 256,
  bytesMax: 16 * 2 ** 30,
};

/** Judges objects that look wrong, and keeps their bytes before they are replaced. */
export interface Quarantine {
  /**
   * Reads an object whole, twice. Resolves to `kept` where both reads found the same wrong bytes and
   * these are kept aside: it may be replaced under its version. Resolves to `cleared` where it is
   * right, or gone. Rejects with UNAVAILABLE where two reads differ from one another, or where there
   * is no more room; with PRECONDITION_FAILED where the object has changed meanwhile, or can't be
   * replaced safely. What is confirmed and stays where it is, is reported by an alarm.
   */
  condemn(info: ObjectInfo, put: Condemned): Promise<"kept" | "cleared">;
}

/** The put that came upon the object. */
interface Condemned {
  readonly digest: Digest;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: () => void;
}

/**
 * Makes the quarantine of one store: `quarantine/<the blob's own key>/<hex of what was found>`, and
 * the provenance beside it in a `.json`. Named by what they are, the same wrong bytes are kept once,
 * whoever finds them, and whoever was killed on the way is carried on by the next.
 */
export function quarantineOf(
  bucket: Bucket,
  layout: Layout,
  { name, limits }: { readonly name: string; readonly limits: QuarantineLimits },
): Quarantine {
  const { capabilities } = bucket;
  const refuse = (
    code: "UNAVAILABLE" | "PRECONDITION_FAILED",
    subject: Digest,
    message: string,
    persistence?: "permanent",
  ): StoreError =>
    new StoreError({ code, operation: "put", subject, source: name, message, persistence });

  /** Reads an object whole; resolves to what it is, undefined where it is gone. */
  async function measure(
    { key, version, size }: ObjectInfo,
    { digest, signal, onProgress }: Condemned,
  ): Promise<Digest | undefined> {
    const content = await bucket.read(key, { ifVersion: version, signal });
    if (content === undefined) return undefined;
    const hasher = await createHasher(algorithmOf(digest));
    let seen = 0;
    for await (const chunk of touched(content.body, onProgress)) {
      hasher.update(chunk);
      seen += chunk.byteLength;
    }
    // Then it was the way here that cut it, whatever the object holds.
    if (seen !== size) throw refuse("UNAVAILABLE", digest, `a read gave ${seen} of ${size} bytes`);
    return hasher.digest();
  }

  /** Reads it a second time; rejects unless that gives what the first read gave. */
  async function confirm(info: ObjectInfo, put: Condemned, found: Digest): Promise<void> {
    if ((await measure(info, put)) !== found) throw differing(put.digest);
  }

  const differing = (digest: Digest): StoreError =>
    refuse("UNAVAILABLE", digest, "two reads of a wrong object gave different bytes; try again");

  /** Copies the bytes aside, which is the second read of them. */
  async function copy(info: ObjectInfo, put: Condemned, found: Digest): Promise<string> {
    const { digest, signal, onProgress } = put;
    const key = quarantineKey(layout, digest, found);
    const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
      const content = await bucket.read(info.key, { ifVersion: info.version, signal });
      if (content === undefined) throw differing(digest);
      const read = touched(content.body, onProgress);
      yield* verifyStream(read, found, "quarantine", name, info.size);
    };
    const { size } = info;
    try {
      const options = { size, ifAbsent: capabilities.createIfAbsent, signal };
      // A bucket that has them already may not have asked for them.
      if ((await bucket.put(key, body, options)) === "existed") await confirm(info, put, found);
      return key;
    } catch (error) {
      if (isStoreError(error, "DIGEST_MISMATCH")) throw differing(digest);
      throw error;
    }
  }

  /** Tells why no more can be kept; undefined where there is room. */
  async function fullBecause(
    key: string,
    size: number,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { copiesMax, bytesMax } = limits;
    let copies = 0;
    let bytes = 0;
    if (!capabilities.list) return "its quarantine can't be listed, so it has no bound";
    // Each copy has a record beside it.
    const limit = copiesMax * 2 + 1;
    for await (const each of bucket.list(quarantinePrefix(layout), { limit, signal })) {
      if (each.key === key) return undefined;
      if (each.key.endsWith(".json")) continue;
      copies += 1;
      bytes += each.size;
    }
    if (copies >= copiesMax) return `its quarantine is full (${copies} copies); look and empty it`;
    if (bytes + size <= bytesMax) return undefined;
    return `its quarantine has no room for ${size} bytes more (bytesMax ${bytesMax})`;
  }

  return {
    async condemn(info, put) {
      const { digest, signal } = put;
      const found = await measure(info, put);
      if (found === undefined || found === digest) return "cleared";
      const { key, version, size } = info;
      const about = (kept: string | undefined): CopyProvenance => ({
        store: name,
        key,
        version,
        size,
        found,
        reads: 2,
        foundBy: "put",
        foundAt: bucket.serviceTime()?.toISOString(),
        kept,
      });
      const left = async (error: StoreError): Promise<StoreError> => {
        await confirm(info, put, found);
        const provenance = about(undefined);
        publishAlarm({ kind: "copy-left", subject: digest, source: name, error, provenance });
        return error;
      };
      if (!capabilities.replaceIfMatch || version === undefined) {
        const message =
          "a wrong object is in the way, and this bucket can't replace one version safely";
        throw await left(refuse("PRECONDITION_FAILED", digest, message));
      }
      const full = await fullBecause(quarantineKey(layout, digest, found), size, signal);
      if (full !== undefined) {
        const message = `a wrong object is in the way, and ${full}`;
        throw await left(refuse("UNAVAILABLE", digest, message, "permanent"));
      }
      const provenance = about(await copy(info, put, found));
      const record = provenanceBytes(digest, provenance);
      const ifAbsent = capabilities.createIfAbsent;
      const { byteLength: bytes } = record;
      const options = { size: bytes, contentType: "application/json", ifAbsent, signal };
      await bucket.put(`${provenance.kept}.json`, record, options);
      const error = new StoreError({
        code: "DIGEST_MISMATCH",
        operation: "put",
        subject: digest,
        source: name,
        message: `the object holds ${found}; its bytes are kept at ${provenance.kept}`,
      });
      publishAlarm({ kind: "copy-quarantined", subject: digest, source: name, error, provenance });
      return "kept";
    },
  };
}

/** Key of the wrong bytes that were found in the place of a blob. */
export function quarantineKey(layout: Layout, digest: Digest, found: Digest): string {
  const own = layout.key(digest).slice(layout.root.length);
  return `${quarantinePrefix(layout)}${own}/${hexOf(found)}`;
}
