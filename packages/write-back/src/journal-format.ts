import { StoreError } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { FileLayer } from "./file-layer.ts";
import type { JournalFolder } from "./journal-folder.ts";

/** What this release writes, and the oldest release that may read or write it. */
const version = { format: "bitstore-write-back", layout: "ab", minReader: 1, minWriter: 1 };

/** The format that this release knows. */
const knownFormat = 1;

/** A version file has some 80 bytes, the name of an origin a few hundred. */
const smallBytesMax = 4096;

/** What else may be in a directory that is to become a journal; dot-files may too. */
const ownNames: RegExp =
  /^(?:tmp|pending|rotten|lost\+found|owner\.sqlite.*|_(?:bitstore|origin)\.json.*)$/;

/** Rejects with CONFIG_INVALID where a directory belongs to something else. Writes nothing. */
export async function checkForeign(
  folder: JournalFolder,
  files: FileLayer,
  source: string,
): Promise<void> {
  const names = await files.listFolder(folder.root);
  const foreign = names.find((name) => !name.startsWith(".") && !ownNames.test(name));
  if (foreign === undefined) return;
  const shown = JSON.stringify(foreign.slice(0, 80));
  throw refusal(folder, source, `it holds other things (${shown}); give an empty directory`);
}

/** What says which origin a journal is for. */
interface OriginClaim {
  readonly name: string;
  readonly originId: string | undefined;
}

/**
 * Checks a journal that another process owns. Rejects with CONFIG_INVALID where it is of a format that
 * this release can't read, or is for another origin, whose blobs are none of this one's business.
 */
export async function checkGuest(
  folder: JournalFolder,
  files: FileLayer,
  { name, originId }: OriginClaim,
): Promise<void> {
  const text = await readSmall(folder.versionPath, files);
  if (text !== undefined) checkVersion(text, folder, name);
  const found = await readOrigin(folder, files);
  if (originId === undefined || found === undefined || found === originId) return;
  const message = `another process uses it for the origin ${show(found)}; give another directory`;
  throw refusal(folder, name, message);
}

/** Makes the directory a journal, or checks that it is one that this release can use. */
export async function claimFormat(
  folder: JournalFolder,
  files: FileLayer,
  source: string,
): Promise<void> {
  const text = await readSmall(folder.versionPath, files);
  if (text !== undefined) checkVersion(text, folder, source);
  else await writeSmall(folder.versionPath, version, folder, files);
}

/**
 * Binds the journal to its origin. Rejects with CONFIG_INVALID where blobs are pending that were put
 * for another one: there they were acknowledged, so there they must arrive.
 */
export async function claimOrigin(
  folder: JournalFolder,
  files: FileLayer,
  { name, originId }: OriginClaim,
  pendingEntries: number,
): Promise<void> {
  if (originId === undefined) return;
  const found = await readOrigin(folder, files);
  if (found === originId) return;
  if (found !== undefined && pendingEntries > 0) {
    const message = `${pendingEntries} blobs in it are for the origin ${show(found)}; drain it with the config that they were put under, or give another directory`;
    throw refusal(folder, name, message);
  }
  // Nothing is pending, so nothing depends on it while it is away.
  if (found !== undefined) await files.unlink(folder.originPath);
  await writeSmall(folder.originPath, { origin: originId }, folder, files);
}

/** Resolves to the origin that a journal is for; undefined where nothing says. */
async function readOrigin(folder: JournalFolder, files: FileLayer): Promise<string | undefined> {
  const text = await readSmall(folder.originPath, files);
  if (text === undefined) return undefined;
  const origin = parseVersion(text)?.get("origin");
  return typeof origin === "string" ? origin : "unknown";
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** Writes a file that is not there, durably: whoever sees it sees all of it. */
async function writeSmall(
  path: string,
  content: Readonly<Record<string, unknown>>,
  folder: JournalFolder,
  files: FileLayer,
): Promise<void> {
  const aside = `${path}.new`;
  await files.unlink(aside).catch(() => undefined);
  const file = await files.create(aside);
  try {
    await file.append([new TextEncoder().encode(`${JSON.stringify(content)}\n`)]);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.link(aside, path);
  await folder.sync(folder.root);
  await files.unlink(aside);
}

async function readSmall(path: string, files: FileLayer): Promise<string | undefined> {
  try {
    const file = await files.openForRead(path);
    try {
      const bytes = new Uint8Array(Math.min(file.size, smallBytesMax));
      const count = await file.read(bytes, 0);
      return new TextDecoder().decode(bytes.subarray(0, count));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function checkVersion(text: string, folder: JournalFolder, source: string): void {
  const found = parseVersion(text);
  if (found?.get("format") !== version.format) {
    throw refusal(folder, source, "its _bitstore.json is not that of a journal; give another one");
  }
  const needs = Math.max(...["minReader", "minWriter"].map((key) => numberOf(found.get(key))));
  if (needs > knownFormat || found.get("layout") !== version.layout) {
    const message = "its format is newer than this release; upgrade, or give another directory";
    throw refusal(folder, source, message);
  }
}

function parseVersion(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) return undefined;
    return new Map<string, unknown>(Object.entries(parsed));
  } catch {
    return undefined;
  }
}

/** A missing or odd number counts as too new: what is not understood is refused. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
}

function refusal(folder: JournalFolder, source: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    subject: `directory ${JSON.stringify(folder.root)}`,
    source,
    message,
  });
}
