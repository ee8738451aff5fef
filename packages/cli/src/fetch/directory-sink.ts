import type { Digest } from "@bitstore/core";
import { type FilePlace, openFolder } from "./folder-writer.ts";
import type { NameOf } from "./name-template.ts";
import type { Sink } from "./sink.ts";

/** Delivers blobs as files of a directory that are named by their digests. */
export async function directorySink(directory: string, nameOf: NameOf): Promise<Sink> {
  const folder = await openFolder(directory, "fetch");
  const placeOf = (digest: Digest): FilePlace => ({ name: nameOf(digest), digest, key: digest });
  return {
    seen: folder.journal,
    present: (digest) => folder.present(placeOf(digest)),
    deliver: (content, digest) => folder.write(placeOf(digest), content),
    finish: () => Promise.resolve(folder.journal.commit()),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
