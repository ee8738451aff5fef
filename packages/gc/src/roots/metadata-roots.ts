import {
  type Bucket,
  type CallOptions,
  type Clock,
  decodeTagName,
  StoreError,
  systemClock,
  type TagLog,
  type TagTarget,
} from "@bitstore/core";
import {
  checkNamespace,
  listLeases,
  listNamespaces,
  metadataFormatKnown,
  pins,
  placeOf,
  readMetadataFormat,
  removeLapsedLease,
  tagLog,
  trustTargets,
} from "@bitstore/tags";
import { patientBucket } from "../run/patient-bucket.ts";
import type { GcRoots } from "./gc-roots.ts";

/** What the error of metadata says in which there is nothing, as its `serviceCode`. */
export const noTagsCode = "NoTags";

export interface MetadataIdOptions extends CallOptions {
  /**
   * Takes metadata that was written with `unsafeSingleWriter` alone, which proves no bucket: whoever
   * says so has made sure that it is no copy. False if left out.
   */
  readonly unproved?: boolean | undefined;
}

/**
 * Resolves to the id of a metadata bucket, which a store of blobs names it by.
 *
 * Rejects with CONFIG_INVALID where no metadata was ever written, or where it was written in another
 * bucket and may be a copy that lacks the newest tags; UNSUPPORTED where a later release wrote it:
 * what that keeps in it this one can't tell.
 */
export async function metadataIdOf(
  bucket: Bucket,
  options: MetadataIdOptions = {},
): Promise<string> {
  const found = await readMetadataFormat(bucket, options);
  if (found === undefined) {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "gc",
      source: bucket.name,
      serviceCode: noTagsCode,
      message: "no tag was ever written there, so everything would be garbage; set one first",
    });
  }
  if (Math.max(found.minReader, found.minWriter) > metadataFormatKnown) {
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "gc",
      source: bucket.name,
      message: "a later release wrote this metadata, and may keep blobs by it; use that one",
    });
  }
  const isKnown = found.proved.includes(placeOf(bucket));
  if (!isKnown && !(options.unproved === true && found.proved.length === 0)) {
    throw maybeCopy(bucket, found.proved);
  }
  return found.id;
}

export interface MetadataRootsOptions {
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1, for the pauses between two tries. */
  readonly random?: (() => number) | undefined;
}

/**
 * Takes what is kept from a metadata bucket: the tags, pins and leases of all its namespaces. Give the
 * bucket without layers: what fails for a while is tried again.
 */
export function metadataRoots(bucket: Bucket, options: MetadataRootsOptions = {}): GcRoots {
  const { clock = systemClock, random = Math.random } = options;
  // A log of tags is patient itself.
  const patient = patientBucket(bucket, clock, random);
  return {
    async *namespaces(call): AsyncGenerator<string, void, void> {
      await refuseStrangeNamespaces(patient, call);
      yield* listNamespaces(patient, call);
    },
    tags: (namespace): TagLog => tagLog(bucket, { namespace, checkTarget: trustTargets, clock }),
    async *pins(namespace, call): AsyncGenerator<TagTarget, void, void> {
      await refuseStrangeNames(patient, namespace, call);
      const pinned = pins(bucket, { namespace, checkTarget: trustTargets, clock });
      for await (const { target } of pinned.entries(call)) if (target !== undefined) yield target;
    },
    async *leases(namespace, call) {
      for await (const lease of listLeases(patient, namespace, call)) {
        const remove = (again: CallOptions): Promise<boolean> =>
          removeLapsedLease(patient, lease, again);
        yield { ...lease, remove };
      }
    },
  };
}

/** Rejects where a folder is no namespace's, except for those that begin with `_`: ours, no tags. */
async function refuseStrangeNamespaces(bucket: Bucket, call: CallOptions): Promise<void> {
  for await (const found of bucket.listPrefixes("v1/", call)) {
    const name = found.slice("v1/".length, -1);
    if (!name.startsWith("_") && !isNamespace(name)) throw strange(bucket, found, "no namespace");
  }
}

/**
 * Rejects where a log has a name that is no tag's: lists of tags leave such out, and what a later
 * release keeps by it would be swept.
 */
async function refuseStrangeNames(
  bucket: Bucket,
  namespace: string,
  call: CallOptions,
): Promise<void> {
  for (const folder of ["t", "p"]) {
    const prefix = `v1/${namespace}/${folder}/`;
    for await (const found of bucket.listPrefixes(prefix, call)) {
      if (decodeTagName(found.slice(prefix.length, -1)) !== undefined) continue;
      throw strange(bucket, found, "no tag's log");
    }
  }
}

function isNamespace(name: string): boolean {
  try {
    return checkNamespace(name) === name;
  } catch {
    return false;
  }
}

function strange(bucket: Bucket, subject: string, what: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "gc",
    subject,
    source: bucket.name,
    message:
      `it is ${what} that this release understands, so nothing is collected; use a later one, ` +
      "or move it elsewhere if it is not bitstore's",
  });
}

function maybeCopy(bucket: Bucket, proved: readonly string[]): StoreError {
  const why =
    proved.length === 0
      ? "no bucket was proved to hold this metadata safely, so it may be a copy that lacks tags"
      : `this metadata was written at ${proved.join(", ")}, so here it may be a copy that lacks tags`;
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "gc",
    source: bucket.name,
    message:
      `${why}; collect by the bucket where tags are set, or set one here first if the metadata ` +
      "was moved here for good",
  });
}
