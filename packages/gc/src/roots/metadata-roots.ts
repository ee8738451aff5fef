import {
  type Bucket,
  type CallOptions,
  type Clock,
  type Digest,
  decodeTagName,
  StoreError,
  type TagLog,
} from "@bitstore/core";
import {
  checkNamespace,
  listLeases,
  listNamespaces,
  metadataFormatKnown,
  pins,
  readMetadataFormat,
  removeLapsedLease,
  tagLog,
  trustTargets,
} from "@bitstore/tags";
import type { GcRoots } from "./gc-roots.ts";

/** What the error of metadata says in which there is nothing, as its `serviceCode`. */
export const noTagsCode = "NoTags";

/**
 * Resolves to the id of a metadata bucket, which a store of blobs names it by.
 *
 * Rejects with CONFIG_INVALID where no metadata was ever written, UNSUPPORTED where a later release
 * wrote it: what that keeps in it this one can't tell.
 */
export async function metadataIdOf(bucket: Bucket, options: CallOptions = {}): Promise<string> {
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
  return found.id;
}

export interface MetadataRootsOptions {
  readonly clock?: Clock | undefined;
  /** Where leases are kept in another way; those of the tags if left out. */
  readonly listLeases?: typeof listLeases | undefined;
  readonly removeLapsedLease?: typeof removeLapsedLease | undefined;
}

/** Takes what is kept from a metadata bucket: the tags, pins and leases of all its namespaces. */
export function metadataRoots(bucket: Bucket, options: MetadataRootsOptions = {}): GcRoots {
  const leasesOf = options.listLeases ?? listLeases;
  const removeLease = options.removeLapsedLease ?? removeLapsedLease;
  return {
    async *namespaces(call): AsyncGenerator<string, void, void> {
      await refuseStrangeNamespaces(bucket, call);
      yield* listNamespaces(bucket, call);
    },
    tags: (namespace): TagLog =>
      tagLog(bucket, { namespace, checkTarget: trustTargets, clock: options.clock }),
    async *pins(namespace, call): AsyncGenerator<Digest, void, void> {
      await refuseStrangeNames(bucket, namespace, call);
      yield* pins(bucket, { namespace, checkTarget: trustTargets, clock: options.clock }).list(
        call,
      );
    },
    async *leases(namespace, call) {
      for await (const lease of leasesOf(bucket, namespace, call)) {
        const remove = (again: CallOptions): Promise<boolean> => removeLease(bucket, lease, again);
        yield { ...lease, remove };
      }
    },
  };
}

/** Rejects where a folder is no namespace's, except for those that begin with `_`: ours, no tags. */
async function refuseStrangeNamespaces(bucket: Bucket, call: CallOptions): Promise<void> {
  for await (const found of bucket.listPrefixes("v1/", call)) {
    const name = found.slice("v1/".length, -1);
    if (!name.startsWith("_")) checkNamespace(name);
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
      throw new StoreError({
        code: "UNSUPPORTED",
        operation: "gc",
        subject: found,
        source: bucket.name,
        message: "it is no tag's log that this release understands, so nothing is collected",
      });
    }
  }
}
