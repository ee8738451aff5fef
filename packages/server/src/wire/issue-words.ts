import type { z } from "zod";

type Issue = Pick<z.core.$ZodIssue, "message"> & Partial<z.core.$ZodIssue>;

/** What values of a type are called. */
const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** How the validator's own messages begin; any other was written for the field that it is about. */
const ownWords = /^(Invalid|Too (small|big)|Unrecognized)\b/;

/** Says what is wrong with a field, and what is allowed, in words that don't need the validator's. */
export function issueWords(issue: Issue): string {
  const { message } = issue;
  if (!ownWords.test(message)) return message;
  switch (issue.code) {
    case "invalid_type": {
      const kind = kinds[issue.expected ?? ""] ?? "something else";
      return message.endsWith("received undefined")
        ? `is missing; it is ${kind}`
        : `is to be ${kind}`;
    }
    case "invalid_value": {
      const [first, ...more] = issue.values?.map(String) ?? [];
      return more.length === 0
        ? `is to be ${first ?? "something else"}`
        : `is none of ${[first, ...more].join(", ")}`;
    }
    case "unrecognized_keys":
      return `has ${issue.keys?.map((key) => JSON.stringify(key.slice(0, 80))).join(", ")}, which is not known`;
    case "too_small":
      return bound("less", issue.origin, Number(issue.minimum));
    case "too_big":
      return bound("more", issue.origin, Number(issue.maximum));
    case "invalid_format":
      return formatWords[issue.format ?? ""] ?? "has another form than is taken";
    default:
      return "is not what it is to be";
  }
}

const formatWords: Readonly<Record<string, string>> = {
  url: "is no URL",
  datetime: "is no time such as 2026-11-20T08:30:00Z",
  date: "is no date such as 2026-11-20",
};

function bound(than: "less" | "more", origin: string | undefined, limit: number): string {
  if (origin === "string") {
    return than === "less" && limit === 1 ? "is empty" : `has ${than} than ${limit} characters`;
  }
  if (origin === "array" || origin === "set" || origin === "object" || origin === "record") {
    return than === "less" && limit === 1 ? "is empty" : `has ${than} than ${limit} entries`;
  }
  return `is ${than} than ${limit}`;
}
