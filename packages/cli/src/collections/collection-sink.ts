import { randomUUID } from "node:crypto";
import { lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Content, type Digest, isStoreError, StoreError } from "@bitstore/core";
import type { CollectionMember } from "@bitstore/tags";
import { toStoreError } from "../frame/system-error.ts";
import { type FilePlace, openFolder, ownFolder } from "../fetch/folder-writer.ts";
import type { Sink } from "../fetch/sink.ts";

/** Delivers the blobs of a collection as its files. */
export interface CollectionSink extends Sink {
  /** Distinct digests, in the order of the names. */
  readonly digests: Iterable<Digest>;
  /** Tells the files of a blob, each with what kept it from being written where the rest were. */
  filesOf(digest: Digest): readonly CollectionFile[];
  /** Has nothing but the files left in the directory: to be called once all of them are there. */
  leaveNothing(): void;
}

/** A file of a collection, and what was in its way. */
export interface CollectionFile {
  readonly name: string;
  readonly error: StoreError | undefined;
}

interface Wanted {
  readonly size: number;
  readonly places: readonly FilePlace[];
}

/**
 * Opens a directory for a collection. A blob that stands under several names is fetched once and
 * copied. Whatever is in the way of a file and is none itself is left, and fails that file.
 *
 * Rejects with INVALID_ARGUMENT for names that can't stand beside each other in this directory.
 */
export async function collectionSink(
  directory: string,
  members: readonly CollectionMember[],
): Promise<CollectionSink> {
  const wanted = groupByDigest(members);
  const refused = new Map<Digest, Map<string, StoreError>>();
  const folder = await openFolder(directory, "get");
  await refuseFolded(directory, members).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]();
    throw error;
  });

  async function present(digest: Digest): Promise<number | undefined> {
    const { size = 0, places = [] } = wanted.get(digest) ?? {};
    try {
      for (const place of places) {
        if ((await folder.present(place)) === undefined) return undefined;
      }
      return size;
    } catch (error) {
      // What is in the way of one name is no reason to leave the others out.
      if (isStoreError(error, "INVALID_ARGUMENT")) return undefined;
      throw error;
    }
  }

  async function deliver(content: Content, digest: Digest): Promise<number> {
    const { size = 0, places = [] } = wanted.get(digest) ?? {};
    if (content.size !== undefined && content.size !== size) throw otherSize(digest, size, content);
    let written: FilePlace | undefined;
    const problems = new Map<string, StoreError>();
    for (const place of places) {
      try {
        await folder.clear(place);
      } catch (error) {
        problems.set(place.name, toStoreError(error, "get", place.name));
        refused.set(digest, problems);
        continue;
      }
      if (written !== undefined) await folder.copy(written, place);
      else {
        await folder.write(place, content);
        written = place;
      }
    }
    const [first] = problems.values();
    if (first !== undefined) throw first;
    return size;
  }

  return {
    digests: wanted.keys(),
    filesOf(digest) {
      const problems = refused.get(digest);
      const places = wanted.get(digest)?.places ?? [];
      return places.map(({ name }) => ({ name, error: problems?.get(name) }));
    },
    seen: folder.journal,
    present,
    deliver,
    finish: () => Promise.resolve(folder.journal.commit()),
    leaveNothing: () => folder.leaveNothing(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function groupByDigest(members: readonly CollectionMember[]): ReadonlyMap<Digest, Wanted> {
  const wanted = new Map<Digest, { size: number; places: FilePlace[] }>();
  for (const { name, digest, size } of members) {
    if (name === ownFolder || name.startsWith(`${ownFolder}/`)) {
      throw problem(name, "the name is the command's own; nothing was written");
    }
    const place = { name, digest, key: `${digest} ${name}` };
    const known = wanted.get(digest);
    if (known === undefined) wanted.set(digest, { size, places: [place] });
    else known.places.push(place);
  }
  return wanted;
}

/** Refuses names that differ in case alone where the file system takes them for one. */
async function refuseFolded(
  directory: string,
  members: readonly CollectionMember[],
): Promise<void> {
  const folded = new Map<string, string>();
  for (const { name } of members) {
    const other = folded.get(name.toLowerCase());
    if (other !== undefined && (await foldsCase(directory))) {
      throw problem(name, `this file system takes it for ${other}; nothing was written`);
    }
    if (other !== undefined) return;
    folded.set(name.toLowerCase(), name);
  }
}

async function foldsCase(directory: string): Promise<boolean> {
  const probe = join(directory, ownFolder, "aside");
  const name = `case-${randomUUID()}`;
  await mkdir(probe, { recursive: true });
  await writeFile(join(probe, name), "", { flag: "wx" });
  const found = await lstat(join(probe, name.toUpperCase())).catch(() => undefined);
  await rm(join(probe, name), { force: true });
  return found !== undefined;
}

function otherSize(digest: Digest, size: number, { size: found }: Content): StoreError {
  return problem(digest, `the collection says that it has ${size} bytes, it has ${found}`);
}

function problem(subject: string, message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "get", subject, message });
}
