import { compareTagNames, type TagLog } from "@bitstore/core";
import { expect } from "vitest";
import { all, expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { everyMethod } from "./tag-support.ts";

/** Names outside the grammar, each with why. */
const refusedNames: Readonly<Record<string, string>> = {
  empty: "",
  "a slash first": "/a",
  "a slash last": "a/",
  "an empty segment": "a//b",
  "a dot alone": ".",
  "two dots alone": "..",
  "a segment of a dot": "a/./b",
  "a segment of two dots": "a/../b",
  "two dots last": "a/..",
  "a percent sign": "a%2fb",
  "a space": "a b",
  "a space last": "a ",
  "a newline last": "a\n",
  NUL: "a\0b",
  "a backslash": "a\\b",
  "a colon": "a:b",
  "an at": "a@1",
  "a letter beyond ASCII": "é",
  "a small letter k that is none": "\u212a",
  "a letter beyond 16 bits": "𝒜",
  "a change of direction": "a\u202eb",
  "256 characters": "a".repeat(256),
  "241 bytes once encoded, none escaped": "a".repeat(241),
  "241 bytes once encoded, capitals": `${"A".repeat(80)}b`,
  "243 bytes once encoded, slashes": `${"a/".repeat(60)}${"A".repeat(1)}`,
  "242 bytes once encoded, dots last": `${"a".repeat(236)}..`,
};

/** Names that are legal and look as if they were not. */
const oddNames: readonly string[] = [
  "0",
  "-",
  "_",
  "--help",
  "...",
  ".hidden",
  "..a",
  "a/...",
  ".../a",
  "a.",
  "a..",
  "a./b.",
  "t",
  "d",
  "v1/t/d",
  "x.json",
  "0000000000000001.json",
  "CON",
  "nul",
  "aux.txt",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "2f",
  "a-2fb",
  "A".repeat(80),
  "a".repeat(240),
  `${"a".repeat(237)}.`,
  `${"a/".repeat(59)}${"a".repeat(4)}`,
  `${"A/".repeat(39)}AA`,
];

/** The grammar of names, its limits, and names that are near one another. */
export function tagNameCases(suite: TagSuite): void {
  for (const [why, name] of Object.entries(refusedNames)) {
    suite.test(`a name with ${why} is refused`, async () => {
      const digest = await suite.target(1);
      for (const [method, call] of Object.entries(everyMethod(suite.log, name, digest))) {
        await expectCode(call(), "INVALID_ARGUMENT").catch((cause: unknown) =>
          expect.fail(`${method}: ${String(cause)}`),
        );
      }
    });
  }

  suite.test("names that are odd but legal are kept apart", async () => {
    const log = await suite.open();
    await expectKeptApart(suite, log, oddNames);
  });

  suite.test(
    "names that differ in case, a dot at the end, or a mark are different tags",
    async () => {
      const near = [
        "a",
        "A",
        "a.",
        "a..",
        "A.",
        "a/b",
        "a/B",
        "A/b",
        "a-b",
        "a_b",
        "a.b",
        "ab",
        "a/b.",
      ];
      const log = await suite.open();
      await expectKeptApart(suite, log, near);
      for (const name of near.filter((_, index) => index % 2 === 0)) await log.remove(name);
      const left = near.filter((_, index) => index % 2 === 1);
      expect(await all(log.list())).toEqual(inOrder(left));
    },
  );
}

/** Sets each name to a target of its own, and fails unless each then has that one alone. */
async function expectKeptApart(
  suite: TagSuite,
  log: TagLog,
  names: readonly string[],
): Promise<void> {
  expect(await all(log.list())).toEqual([]);
  for (const [n, name] of names.entries()) {
    const entry = await log.append(name, await suite.target(n));
    expect(entry, name).toMatchObject({ tag: name, seq: 1 });
  }
  for (const [n, name] of names.entries()) {
    const head = await log.head(name);
    expect(head, name).toMatchObject({ tag: name, seq: 1 });
    expect(head?.target?.digest, name).toBe(await suite.target(n));
    expect((await all(log.history(name))).map(({ seq }) => seq)).toEqual([1]);
  }
  expect(await all(log.list())).toEqual(inOrder(names));
  expect(await all(log.list({ deleted: true }))).toEqual(inOrder(names));
}

function inOrder(names: readonly string[]): string[] {
  return names.toSorted(compareTagNames);
}
