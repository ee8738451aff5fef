import { type Digest, digestBytes, splitDigest, StoreError } from "@bitstore/core";

/** Names the file of a digest, relative to the directory, with `/` between folders. */
export type NameOf = (digest: Digest) => string;

const placeholder = /\{(algorithm|hex)(?::(\d{1,3}):(\d{1,3}))?\}/g;
const nameBytesMax = 240;

/**
 * Parses a template such as `{hex}`, `{algorithm}/{hex:0:2}/{hex}` or `blobs/{hex}.bin`. It must
 * have every digit of the digest in it, or two blobs would get one name; its names are relative, of
 * `A-Z a-z 0-9 . _ -` and `/`, and never dot-files, which are the command's own.
 *
 * @throws INVALID_ARGUMENT
 */
export function parseNameTemplate(template: string): NameOf {
  const refuse = (message: string): StoreError =>
    new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "parse",
      subject: `name template ${JSON.stringify(template.slice(0, 200))}`,
      message,
    });
  const fixed = template.replace(placeholder, "");
  if (/[{}]/.test(fixed)) throw refuse("it knows {algorithm}, {hex} and {hex:START:END} only");
  if (!/^[A-Za-z0-9._\-/]*$/.test(fixed)) throw refuse("names are of A-Z a-z 0-9 . _ - and /");
  if (!coversHex(template)) {
    throw refuse("it needs {hex}, or two blobs could get the same name");
  }
  const segments = template.split("/");
  if (segments.some((segment) => segment === "" || segment.startsWith("."))) {
    throw refuse("no part of a name is empty or starts with a dot");
  }
  return (digest) => {
    const { algorithm, hex } = splitDigest(digest);
    const name = template.replace(placeholder, (_, part: string, start?: string, end?: string) => {
      const text = part === "hex" ? hex : algorithm;
      return start === undefined ? text : text.slice(Number(start), Number(end));
    });
    const bad = name
      .split("/")
      .some((part) => part === "" || part.startsWith(".") || part.length > nameBytesMax);
    if (bad) throw refuse(`it gives ${JSON.stringify(name)}, which is no name`);
    return name;
  };
}

/** Tells whether the slices of hex in a template hold every digit of the longest digest. */
function coversHex(template: string): boolean {
  const digits = Math.max(...Object.values(digestBytes)) * 2;
  const covered = new Uint8Array(digits);
  for (const [, part, start, end] of template.matchAll(placeholder)) {
    if (part !== "hex") continue;
    covered.fill(1, Number(start ?? 0), Number(end ?? digits));
  }
  return covered.every((each) => each === 1);
}
