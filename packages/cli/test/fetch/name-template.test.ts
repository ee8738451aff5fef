import { parseDigest } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { parseNameTemplate } from "../../src/fetch/name-template.ts";

const sha1 = parseDigest("4bc39c7d87318382feb3cc5a684c767fbd913968");
const sha512 = parseDigest("ab".repeat(64));

describe("name templates", () => {
  test.each([
    ["{hex}", "4bc39c7d87318382feb3cc5a684c767fbd913968"],
    ["{algorithm}/{hex:0:2}/{hex}", "sha1/4b/4bc39c7d87318382feb3cc5a684c767fbd913968"],
    ["blobs/{hex}.bin", "blobs/4bc39c7d87318382feb3cc5a684c767fbd913968.bin"],
    ["{hex:0:2}/{hex:2:128}", "4b/c39c7d87318382feb3cc5a684c767fbd913968"],
  ])("%s names a file", (template, name) => {
    expect(parseNameTemplate(template)(sha1)).toBe(name);
  });

  // Every digit must be in the name, or two blobs could get the same one.
  test.each([
    "",
    "fixed",
    "{hex:0:8}",
    "{algorithm}",
    "{hex:0:2}/{hex:4:128}",
    "{HEX}",
    "{hex",
    "../{hex}",
    "/{hex}",
    "a//{hex}",
    "./{hex}",
    ".{hex}",
    "a/.b/{hex}",
    "{hex}/",
    "a b/{hex}",
    "{hex}\u0000",
    "{hex}\n",
    "{hex:0}",
  ])("%j is refused", (template) => {
    expect(() => parseNameTemplate(template)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  // A slice that is empty for this digest leaves a name that is none.
  test("a name that has nothing between two slashes is refused", () => {
    const nameOf = parseNameTemplate("{hex:100:128}/{hex}");
    expect(nameOf(sha512)).toContain("/");
    expect(() => nameOf(sha1)).toThrow("is no name");
  });
});
