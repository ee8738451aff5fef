import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isStoreError, splitDigest, StoreError } from "@bitstore/core";
import { diskFault, toStoreError } from "./disk-fault.ts";

/** The folders of one cache, and the names of what is in them. */
export interface CacheFolder {
  readonly root: string;
  readonly blobs: string;
  readonly tmp: string;
  readonly quarantine: string;
  readonly owners: string;
  blobPath(digest: Digest): string;
  tmpPath(name: string): string;
  quarantinePath(name: string): string;
  ownerPath(name: string): string;
}

/** What this release writes, and the oldest release that may read or write it. */
const version = { format: "bitstore-cache", layout: "sharded", minReader: 1, minWriter: 1 };

/** The format that this release knows. */
const knownFormat = 1;

const versionFile = "_bitstore.json";
/** What else may be in a directory that is to become a cache; dot-files may too. */
const ownNames: RegExp = /^(?:blobs|tmp|quarantine|owners|lost\+found|index[-.].*|_bitstore\..*)$/;

/** Only the cache's own user looks into it: blobs may be private. */
const folderMode = 0o700;

export function cacheFolder(root: string): CacheFolder {
  const blobs = join(root, "blobs");
  const tmp = join(root, "tmp");
  const quarantine = join(root, "quarantine");
  const owners = join(root, "owners");
  return {
    root,
    blobs,
    tmp,
    quarantine,
    owners,
    blobPath(digest) {
      const { algorithm, hex } = splitDigest(digest);
      return `${blobs}/${algorithm}/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex}`;
    },
    tmpPath: (name) => join(tmp, name),
    quarantinePath: (name) => join(quarantine, name),
    ownerPath: (name) => join(owners, name),
  };
}

/** Makes what is missing of the folders; also used when somebody has removed them under us. */
export async function ensureFolders(folder: CacheFolder): Promise<void> {
  for (const path of [folder.blobs, folder.tmp, folder.quarantine, folder.owners]) {
    await mkdir(path, { recursive: true, mode: folderMode });
  }
}

/**
 * Makes the directory into a cache, or checks that it is one that this release can use. Rejects
 * with CONFIG_INVALID where it is of a newer format, or belongs to something else.
 */
export async function prepareFolder(
  folder: CacheFolder,
  source: string,
  uniqueId: () => string,
): Promise<void> {
  try {
    await mkdir(folder.root, { recursive: true, mode: folderMode });
    const text = await readVersion(folder);
    if (text !== undefined) checkVersion(text, folder.root, source);
    else await claimFolder(folder, source, uniqueId);
    await ensureFolders(folder);
  } catch (error) {
    if (isStoreError(error)) throw error;
    if (diskFault(error) === "absent" || isExist(error)) {
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "open",
        subject: `directory ${JSON.stringify(folder.root)}`,
        source,
        message: "it is no directory; move away what is there, or name one that can be made",
        cause: error,
      });
    }
    throw toStoreError(error, { operation: "open", subject: folder.root, source });
  }
}

async function readVersion(folder: CacheFolder): Promise<string | undefined> {
  try {
    return await readFile(join(folder.root, versionFile), "utf8");
  } catch (error) {
    if (diskFault(error) === "absent") return undefined;
    throw error;
  }
}

async function claimFolder(
  folder: CacheFolder,
  source: string,
  uniqueId: () => string,
): Promise<void> {
  const names = await readdir(folder.root);
  const foreign = names.find((name) => !name.startsWith(".") && !ownNames.test(name));
  if (foreign !== undefined) {
    const shown = JSON.stringify(foreign.slice(0, 80));
    throw refusal(folder.root, source, `it holds other things (${shown}); give an empty directory`);
  }
  const path = join(folder.root, versionFile);
  // Several may make it at once, with one process number even: in two containers, or one process.
  const aside = `${path}.${uniqueId()}`;
  const handle = await open(aside, "w", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(version)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, path);
}

function checkVersion(text: string, root: string, source: string): void {
  const found = parseVersion(text);
  if (found === undefined || found.format !== version.format) {
    throw refusal(
      root,
      source,
      `its ${versionFile} is not that of a cache; give another directory`,
    );
  }
  if (found.needs > knownFormat) {
    throw refusal(
      root,
      source,
      `its format ${found.needs} is newer than this release's ${knownFormat}; ` +
        "upgrade, or give another directory",
    );
  }
  if (found.layout !== version.layout) {
    throw refusal(root, source, `its layout ${JSON.stringify(found.layout)} is unknown`);
  }
}

interface FoundVersion {
  readonly format: unknown;
  readonly layout: unknown;
  readonly needs: number;
}

function parseVersion(text: string): FoundVersion | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const needs = Math.max(numberOf(fields.get("minReader")), numberOf(fields.get("minWriter")));
  return { format: fields.get("format"), layout: fields.get("layout"), needs };
}

/** A missing or odd number counts as too new: what is not understood is refused. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
}

function isExist(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function refusal(root: string, source: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    subject: `directory ${JSON.stringify(root)}`,
    source,
    message,
  });
}
