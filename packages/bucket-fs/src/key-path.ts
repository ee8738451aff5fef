/**
 * Maps keys to paths and back. Ordinary keys are their own paths, so that people can look into the
 * folder: `sha256/ab/cd/abcd…`, `prefix-abcd…`, `v1/ns/t/tag/0009….json`. A file and a directory
 * can't share a name, but the keys `a` and `a/b` may both exist; so each name has one kind that is
 * plain (see {@link isFileLike}), and where it is used as the other kind it is marked: `a~file`,
 * `release-1.2~dir`. Besides, `~` and characters that some file system refuses are written as
 * `~` and the two upper-case hex digits of each UTF-8 byte; a name over {@link nameBytesMax} is
 * split into directories that end in `~+`. The mapping is injective, and it keeps case; where the
 * file system folds case (`folds`), upper case and all beyond ASCII are written as hex as well.
 */

export type NameKind = "file" | "dir";

/** UTF-8 bytes of the longest name; file systems take 255 and less (eCryptfs takes 143 to 255). */
export const nameBytesMax = 200;

/** Marks a directory that holds the rest of a name that was too long. */
const goesOn = "~+";

/** Device names of Windows, which it sees before any extension too. */
const reserved = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Tells whether a name is plain as a file: it ends in a digest or an extension. */
export function isFileLike(name: string): boolean {
  return /(?:[0-9A-Fa-f]{16}|\.[A-Za-z0-9]{1,10})$/.test(name);
}

/** Maps a key to the names of its directories and its file, from the root down. */
export function pathOfKey(key: string, folds: boolean): string[] {
  const parts = key.split("/");
  return parts.flatMap((part, at) =>
    namesOf(part, at === parts.length - 1 ? "file" : "dir", folds),
  );
}

/** Maps a prefix that is empty or ends in `/` to the names of its directories. */
export function pathOfPrefix(prefix: string, folds: boolean): string[] {
  return prefix
    .split("/")
    .slice(0, -1)
    .flatMap((part) => namesOf(part, "dir", folds));
}

/** Maps one part of a key to the names that stand for it: one, unless it is too long. */
export function namesOf(part: string, kind: NameKind, folds: boolean): string[] {
  const escaped = escape(part, folds);
  const plain = part !== "" && (kind === "file") === isFileLike(part);
  const mark = plain ? "" : `~${kind}`;
  if (bytesOf(escaped) + mark.length <= nameBytesMax) return [escaped.join("") + mark];
  const names: string[] = [];
  let name = "";
  let bytes = 0;
  for (const token of escaped) {
    const more = utf8.encode(token).byteLength;
    if (bytes + more > nameBytesMax - goesOn.length) {
      names.push(name + goesOn);
      name = "";
      bytes = 0;
    }
    name += token;
    bytes += more;
  }
  // The last piece says its kind always: it is no name of its own that could be like a file.
  const last = `${name}~${kind}`;
  return bytesOf([last]) <= nameBytesMax ? [...names, last] : [...names, name + goesOn, `~${kind}`];
}

/** Tells whether a directory holds the rest of a name that was too long. */
export function isContinued(name: string): boolean {
  return name.endsWith(goesOn);
}

/**
 * Maps names back to the part of a key that they stand for; undefined where no key maps to them,
 * such as a file that somebody else has put there.
 */
export function partOf(
  names: readonly string[],
  kind: NameKind,
  folds: boolean,
): string | undefined {
  const mark = `~${kind}`;
  const joined = names
    .map((name, at) => (at < names.length - 1 ? name.slice(0, -goesOn.length) : name))
    .join("");
  const part = unescape(joined.endsWith(mark) ? joined.slice(0, -mark.length) : joined);
  if (part === undefined || part.includes("/")) return undefined;
  // Mapping it forth again is the whole check: whatever is not canonical is not ours.
  const canonical = namesOf(part, kind, folds);
  const same =
    canonical.length === names.length && canonical.every((name, at) => name === names[at]);
  return same ? part : undefined;
}

function bytesOf(tokens: readonly string[]): number {
  return utf8.encode(tokens.join("")).byteLength;
}

/** Splits a part into tokens that must not be cut: characters, and escapes of one byte. */
function escape(part: string, folds: boolean): string[] {
  const characters = Array.from(part);
  const last = characters.length - 1;
  const device = reserved.test(part);
  return characters.flatMap((character, at) => {
    const strange =
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      /[~\\:*?"<>|\u0000-\u001f\u007f/]/.test(character) ||
      (at === 0 && (character === "." || device)) ||
      (at === last && (character === "." || character === " ")) ||
      (folds && !/[\u0020-\u0040\u005b-\u007e]/.test(character) && !/[a-z]/.test(character));
    if (!strange) return [character];
    return [...utf8.encode(character)].map((byte) => `~${hexOf(byte)}`);
  });
}

function hexOf(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

function unescape(name: string): string | undefined {
  if (!name.includes("~")) return name;
  const bytes: number[] = [];
  for (const token of name.match(/~[0-9A-F]{2}|[^~]+|~/g) ?? []) {
    if (token === "~") return undefined;
    if (token.startsWith("~")) bytes.push(Number.parseInt(token.slice(1), 16));
    else bytes.push(...utf8.encode(token));
  }
  try {
    return strictUtf8.decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}
