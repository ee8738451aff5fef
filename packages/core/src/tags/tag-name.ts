import { compareKeys } from "../compare-keys.ts";
import { StoreError } from "../errors.ts";

/** Characters of the longest tag name. */
export const tagCharsMax = 255;

/** Bytes of the longest tag name once it is encoded, so that every service takes it in a key. */
export const tagEncodedBytesMax = 240;

const grammar = /^[A-Za-z0-9._\-/]+$/;

/**
 * Checks a tag name and returns it: 1 to 255 of `A-Z a-z 0-9 . _ - /`, at most 240 bytes once it is
 * encoded, with no segment that is empty, `.` or `..`.
 *
 * @throws INVALID_ARGUMENT with what is wrong.
 */
export function parseTagName(input: string): string {
  const problem = tagNameProblem(input);
  if (problem === undefined) return input;
  const subject = JSON.stringify(input.slice(0, 80));
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "",
    message: `${subject} is no tag name: ${problem}`,
  });
}

/** Says what is wrong with a tag name; undefined where it is one. */
export function tagNameProblem(input: string): string | undefined {
  if (input === "") return "it is empty";
  if (input.length > tagCharsMax) return `it has more than ${tagCharsMax} characters`;
  if (!grammar.test(input)) return "it may have A-Z a-z 0-9 . _ - and / only";
  for (const segment of input.split("/")) {
    if (segment === "") return "a segment between slashes is empty";
    if (segment === "." || segment === "..") return `a segment is ${segment}`;
  }
  if (encodeTagName(input).length > tagEncodedBytesMax) {
    return (
      `it has more than ${tagEncodedBytesMax} bytes once it is encoded, ` +
      "where a capital and a slash take three"
    );
  }
  return undefined;
}

/**
 * Writes a tag name as one segment of a key: every character but `a-z 0-9 . _ -` as `%` and two
 * lower-case hex digits, and dots at the end as well. Two names never share a form, on file systems
 * that ignore case or drop a dot at the end neither.
 */
export function encodeTagName(name: string): string {
  const dots = /\.+$/.exec(name)?.[0].length ?? 0;
  const head = name.slice(0, name.length - dots);
  return head.replace(/[^a-z0-9._-]/g, percent) + "%2e".repeat(dots);
}

/** Reads a key's segment back; undefined where no tag name is written like that. */
export function decodeTagName(segment: string): string | undefined {
  const name = segment.replace(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
  if (tagNameProblem(name) !== undefined || encodeTagName(name) !== segment) return undefined;
  return name;
}

/** Orders names as they are listed: by the form that `encodeTagName` gives them, and a slash. */
export function compareTagNames(one: string, other: string): number {
  return compareKeys(`${encodeTagName(one)}/`, `${encodeTagName(other)}/`);
}

function percent(character: string): string {
  return `%${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
}
