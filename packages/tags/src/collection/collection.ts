import { type Digest, isDigest, parseDigest, StoreError, tagNameProblem } from "@bitstore/core";
import { canonicalJson } from "../log/canonical-json.ts";

/** RFC 6838 media type of a collection's blob. */
export const collectionMediaType = "application/vnd.bitstore.collection+json";

/** Bytes of the longest collection that is read: some hundred thousand blobs. */
export const collectionBytesMax: number = 64 * 2 ** 20;

/** One blob of a collection. */
export interface CollectionMember {
  /** Follows the grammar of tag names, so that it can be a path below any folder. */
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Writes a collection: a JSON list of names, digests and sizes, ascending by name and canonical, so
 * that the same blobs under the same names are the same blob. One tag that points to it moves them
 * all at once.
 *
 * @throws INVALID_ARGUMENT for a name outside the grammar, one that stands twice, or one that is a
 * folder of another; TOO_LARGE above `collectionBytesMax`.
 */
export function formatCollection(members: Iterable<CollectionMember>): Uint8Array {
  const sorted = [...members].sort((one, other) => (one.name < other.name ? -1 : 1));
  checkNames(sorted);
  const bytes = new TextEncoder().encode(
    canonicalJson(sorted.map(({ name, digest, size }) => ({ name, digest, size }))),
  );
  if (bytes.byteLength > collectionBytesMax) {
    throw problem("TOO_LARGE", `the list would have more than ${collectionBytesMax} bytes`);
  }
  return bytes;
}

/**
 * Reads a collection's bytes, in whatever order its members are.
 *
 * @throws INVALID_ARGUMENT for what is no list of members whose names can be files below one folder.
 */
export function parseCollection(bytes: Uint8Array): readonly CollectionMember[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw problem("INVALID_ARGUMENT", "its bytes are no JSON");
  }
  if (!Array.isArray(json)) throw problem("INVALID_ARGUMENT", "it is no list");
  const members = json.map(readMember);
  checkNames(members);
  return members;
}

function readMember(value: unknown, index: number): CollectionMember {
  const { name, digest, size } = { ...(value as Partial<Record<keyof CollectionMember, unknown>>) };
  const isMember =
    typeof name === "string" &&
    typeof digest === "string" &&
    isDigest(digest) &&
    typeof size === "number" &&
    Number.isSafeInteger(size) &&
    size >= 0;
  if (isMember) return { name, digest: parseDigest(digest), size };
  throw problem("INVALID_ARGUMENT", `its member ${index} is no name, digest and size`);
}

/** Refuses names that can't all be files below one folder. */
function checkNames(members: readonly CollectionMember[]): void {
  const names = new Set<string>();
  for (const { name } of members) {
    const wrong = tagNameProblem(name);
    const shown = JSON.stringify(name.slice(0, 80));
    if (wrong !== undefined)
      throw problem("INVALID_ARGUMENT", `the name ${shown} is refused: ${wrong}`);
    if (names.has(name)) throw problem("INVALID_ARGUMENT", `the name ${shown} stands twice`);
    names.add(name);
  }
  for (const name of names) {
    for (let slash = name.indexOf("/"); slash > 0; slash = name.indexOf("/", slash + 1)) {
      const folder = name.slice(0, slash);
      if (names.has(folder)) {
        throw problem("INVALID_ARGUMENT", `${folder} is a blob and a folder of ${name}`);
      }
    }
  }
}

function problem(code: "INVALID_ARGUMENT" | "TOO_LARGE", message: string): StoreError {
  return new StoreError({ code, operation: "collection", message });
}
