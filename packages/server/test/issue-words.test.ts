import { expect, test } from "vitest";
import { z } from "zod";
import { parseAccess } from "../src/index.ts";
import { issueWords } from "../src/wire/issue-words.ts";

// What is wrong with a body, a query or a config is said in our own words, with what is allowed.

function wordsFor(shape: z.ZodType, value: unknown): string {
  const [issue] = shape.safeParse(value).error?.issues ?? [];
  return issue === undefined ? expect.fail("it was taken") : issueWords(issue);
}

test.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, "is missing; it is a text"],
  [z.string(), 7, "is to be a text"],
  [z.array(z.string()), {}, "is to be a list"],
  [z.enum(["read", "write"]), "all", "is none of read, write"],
  [z.literal("head"), "tail", "is to be head"],
  [z.strictObject({}), { a: 1 }, 'has "a", which is not known'],
  [z.string().min(1), "", "is empty"],
  [z.string().max(2), "abc", "has more than 2 characters"],
  [z.array(z.string()).max(1), ["a", "b"], "has more than 1 entries"],
  [z.number().min(3), 2, "is less than 3"],
  [z.url(), "no", "is no URL"],
  [z.string().regex(/^a$/, "it is no a"), "b", "it is no a"],
])("%#", (shape, value, words) => {
  expect(wordsFor(shape, value)).toBe(words);
});

test("a scope that is none is said with those that there are", () => {
  const hash = `sha256:${"0".repeat(64)}`;
  const tokens = [{ name: "ci", hash, scopes: ["all"] }];
  expect(() => parseAccess({ auth: { tokens } }, "127.0.0.1")).toThrow(
    "auth.tokens.0.scopes.0: is none of read, write, delete, tag, admin",
  );
});
