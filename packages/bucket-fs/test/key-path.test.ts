import { weirdKeys, pathLikeKeys } from "@bitstore/conformance";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFileLike, nameBytesMax, namesOf, partOf, pathOfKey } from "../src/key-path.ts";

// Ordinary keys are their own paths; all others get names that every file system takes. Properties
// over arbitrary keys show that no two keys share a path, and that every name maps back.

const hex = "0123456789abcdef0123456789abcdef01234567";

/** Parts that are likely to meet each other: made of the characters that mean something. */
const anyPart = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom("~", "f", "i", "l", "e", "d", "r", ".", "+", "A", "é", "2E") }),
  fc.string({
    unit: fc.constantFrom("a", "b", "~", "é", "\u{1f600}"),
    minLength: 60,
    maxLength: 300,
  }),
  fc.constantFrom("~file", "~dir", "~+", "a~file", "a~dir", ".tmp-bitstore", "..", hex, "a.json"),
);
const part = anyPart.map((text) => text.replaceAll("/", "_"));

describe("paths of keys", () => {
  it("are the keys themselves where those are ordinary", () => {
    for (const key of [
      hex,
      `files/${hex}`,
      `prefix-${hex}`,
      `sha256/01/23/${hex}${hex.slice(0, 24)}`,
      `sha3-256/ab/cd/abcd${hex}${hex.slice(0, 20)}`,
      "_bitstore.json",
      "v1/default/t/models%2fbest/0009007199254740990.json",
      "trash/sha1/ab/cd/abcd56789abcdef0123456789abcdef01234567a",
      "with space/and+plus/ünïcode/x.tar",
    ]) {
      expect(pathOfKey(key, false).join("/")).toBe(key);
    }
  });

  it("mark a name that is used as the kind that it does not look like", () => {
    expect(pathOfKey("a", false)).toEqual(["a~file"]);
    expect(pathOfKey("a/b", false)).toEqual(["a", "b~file"]);
    expect(pathOfKey("release-1.2/a.txt", false)).toEqual(["release-1.2~dir", "a.txt"]);
    expect(pathOfKey(`${hex}/x.bin`, false)).toEqual([`${hex}~dir`, "x.bin"]);
  });

  it("escape what a file system could take for something else", () => {
    const escaped: readonly [key: string, path: string][] = [
      [".", "~2E~file"],
      ["..", "~2E~2E~file"],
      [".hidden.txt", "~2Ehidden.txt"],
      ["a//b.c", "a/~dir/b.c"],
      ["/a.c", "~dir/a.c"],
      ["a/", "a/~file"],
      ["con/aux.txt", "~63on/~61ux.txt"],
      ["back\\slash.c", "back~5Cslash.c"],
      ["tilde~.c", "tilde~7E.c"],
      ["end. ", "end.~20~file"],
    ];
    for (const [key, path] of escaped) expect(pathOfKey(key, false).join("/")).toBe(path);
  });

  it("have no upper case and nothing beyond ASCII where names are folded", () => {
    expect(pathOfKey("Blob.TXT", true)).toEqual(["~42lob.~54~58~54"]);
    expect(pathOfKey("é", true)).toEqual(["~C3~A9~file"]);
    expect(pathOfKey(hex, true)).toEqual([hex]);
  });

  for (const folds of [false, true]) {
    const paths = (key: string): string => pathOfKey(key, folds).join("/");

    it(`never meet, ${folds ? "folded" : "as they are"}`, () => {
      const caseOf = (path: string): string => (folds ? path.toLowerCase() : path);
      const all = [...weirdKeys, ...pathLikeKeys];
      expect(new Set(all.map((key) => caseOf(paths(key)))).size).toBe(all.length);
      const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
      fc.assert(
        fc.property(key, key, (a, b) => {
          if (a !== b) expect(caseOf(paths(a))).not.toBe(caseOf(paths(b)));
        }),
        { numRuns: 2000 },
      );
    });

    it(`have no file where another has a directory, ${folds ? "folded" : "as they are"}`, () => {
      fc.assert(
        fc.property(part, part, (a, b) => {
          const file = namesOf(a, "file", folds);
          const directory = namesOf(b, "dir", folds);
          // A file's path must not be the path of a directory, nor of one on the way to it.
          const asFile = file.join("/");
          for (let depth = 1; depth <= directory.length; depth += 1) {
            expect(directory.slice(0, depth).join("/")).not.toBe(asFile);
          }
        }),
        { numRuns: 2000 },
      );
    });

    it(`map back, in names that file systems take, ${folds ? "folded" : "as they are"}`, () => {
      fc.assert(
        fc.property(part, fc.constantFrom("file" as const, "dir" as const), (name, kind) => {
          const names = namesOf(name, kind, folds);
          expect(partOf(names, kind, folds)).toBe(name);
          for (const each of names) {
            expect(Buffer.byteLength(each)).toBeLessThanOrEqual(nameBytesMax);
            expect(each).not.toMatch(/^\.|[./\\:*?"<>|]$|^$/);
            if (folds) expect(each.replace(/~[0-9A-F]{2}/g, "")).toMatch(/^[^A-Z\u0080-\uffff]*$/);
          }
        }),
        { numRuns: 2000 },
      );
    });
  }

  it("are undefined for names that no key has", () => {
    for (const name of ["a", "~2efile", "a.json~file", "~ZZ.c", "~", "x~", "~FF.c", "~41.c"]) {
      expect(partOf([name], "file", false), name).toBeUndefined();
    }
    for (const name of ["a.json", hex, "a~dir", ".git", "a~file"]) {
      expect(partOf([name], "dir", false), name).toBeUndefined();
    }
    expect(partOf(["short~+", "x~file"], "file", false)).toBeUndefined();
  });

  it("know a file by its digest or its extension", () => {
    for (const name of [hex, `x${hex}`, "a.json", "a.tar.gz", "a.b"]) {
      expect(isFileLike(name)).toBe(true);
    }
    for (const name of ["", "a", "sha3-256", "0123456789abcde", "a.", "a.b-c", "models%2fbest"]) {
      expect(isFileLike(name)).toBe(false);
    }
  });
});
