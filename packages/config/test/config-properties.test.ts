import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configProblems } from "../src/file/problems.ts";
import { readConfigTree } from "../src/file/read-config-tree.ts";
import { readYamlTree } from "../src/file/yaml-tree.ts";
import { readValueTree } from "../src/file/value-tree.ts";
import type { ConfigProblem } from "../src/file/problems.ts";
import { resolveTiers } from "../src/tiers/resolve-tiers.ts";

const keys =
  "tiers metadata server url name role fill origin headers credentials price layout __proto__ constructor toString".split(
    " ",
  );
const words =
  "memory: ./a s3://models/ https://h/{hex} cache true false null 5 1.5 .nan ~ ${X} ${ $${Y} 256MiB default *a &a !x".split(
    " ",
  );
const marks = [
  "\n",
  "\n  ",
  "\n  - ",
  ": ",
  ", ",
  "{",
  "}",
  "[",
  "]",
  "- ",
  "? ",
  "#",
  '"',
  "'",
  "|",
  ">",
  "\t",
  "---",
  "%",
  "\u0000",
  "é",
  "\ud800",
  "<<: ",
];

const line = fc
  .tuple(fc.constantFrom(...keys), fc.constantFrom(...words))
  .map(([key, word]) => `${key}: ${word}`);
const garbage = fc
  .array(
    fc.oneof(
      line,
      fc.constantFrom(...marks),
      fc.constantFrom(...keys),
      fc.constantFrom(...words),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(""));

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...words),
    fc.anything(),
    fc.dictionary(fc.constantFrom(...keys), tie("any"), { maxKeys: 4 }),
    fc.array(tie("any"), { maxLength: 3 }),
  ),
})).any;

/** Reads and resolves as loading does; every mistake must have come by the report. */
function readAll(read: ReturnType<typeof readYamlTree>): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const drafts = readConfigTree(read, "f", "/base", (problem) => problems.push(problem));
  if (problems.length === 0) resolveTiers(drafts.tiers ?? [], (problem) => problems.push(problem));
  return problems;
}

describe("a config that is garbage", () => {
  it("is read without a throw, whatever the text, and each mistake has its place", () => {
    let wrong = 0;
    fc.assert(
      fc.property(garbage, (text) => {
        const problems = readAll(readYamlTree(text, { X: "x" }));
        wrong += problems.length > 0 ? 1 : 0;
        for (const { line: at, column, message } of problems) {
          expect(at).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toBe("");
        }
      }),
      { numRuns: 3000 },
    );
    expect(wrong).toBeGreaterThan(1000);
  });

  it("is read without a throw, whatever a module exports, and changes no prototype", () => {
    fc.assert(
      fc.property(value, (exported) => {
        readAll(readValueTree(exported, { X: "x" }));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it("has no mistakes that are none of its own", () => {
    expect(configProblems(new Error("other"))).toEqual([]);
    expect(configProblems(undefined)).toEqual([]);
  });
});
