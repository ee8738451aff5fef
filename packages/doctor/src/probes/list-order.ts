import { compareKeys, type ListOptions } from "@bitstore/core";
import { no, type Probe, skipped, type Verdict, yes } from "../probe.ts";
import { listSome, type ProbeContext } from "../probe-context.ts";
import { noWrite } from "./writes.ts";

/** In the order of UTF-8. By UTF-16, by folders, or without case the order is another. */
const names = ["A-1", "a-1", "a.1", "a/1", "a1", "b", "é", "\uff5e", "\u{1f600}"];

/** Lists that were asked for, and what must come of each. */
interface Expected {
  readonly what: string;
  readonly options: ListOptions;
  readonly keys: readonly string[];
}

export const listOrder: Probe<ProbeContext> = {
  name: "list-order",
  question: "do lists keep order, start and limit?",
  meaning:
    "Lists can't be merged or resumed here: the newest entry of a tag is not found, and a collection " +
    "of garbage could take a blob for absent.",
  skip: ({ found }) => found.unlistable,
  async run(context, signal) {
    const own = noWrite(context) === undefined;
    const prefix = own ? `${context.freshKey("order")}/` : "";
    const keys = own
      ? names.map((name) => prefix + name)
      : context.found.listed.map(({ key }) => key);
    if (keys.length < 3) return skipped("too few objects are known to tell");
    if (own) {
      // Written in another order than they are listed in.
      for (const key of keys.toReversed()) {
        await context.bucket.put(key, new Uint8Array([1]), { size: 1, signal });
      }
    }
    const disorder = keys.findIndex(
      (key, at) => at > 0 && compareKeys(keys[at - 1] ?? "", key) >= 0,
    );
    if (disorder > 0) return outOfOrder();
    return await compareLists(context, prefix, keys, own, signal);
  },
};

async function compareLists(
  context: ProbeContext,
  prefix: string,
  keys: readonly string[],
  own: boolean,
  signal: AbortSignal,
): Promise<Verdict> {
  for (const { what, options, keys: wanted } of expectedLists(prefix, keys, own)) {
    const items = await listSome(context, prefix, keys.length + 1, { ...options, signal });
    const got = items.map(({ key }) => key);
    const { limit } = options;
    if (limit !== undefined && got.length > limit) {
      return no(`a list with a limit of ${limit} answered more`);
    }
    if (got.some((key, at) => at > 0 && compareKeys(got[at - 1] ?? "", key) >= 0))
      return outOfOrder();
    if (got.join("\n") !== wanted.join("\n"))
      return no(`${what} answered other keys than are there`);
  }
  return yes(`lists of ${keys.length} objects kept order, start and limit`);
}

function outOfOrder(): Verdict {
  return no("keys are not listed in the order of their UTF-8 bytes");
}

/** A bucket that is not ours may change, so that of it only the beginning is asked for again. */
function expectedLists(prefix: string, keys: readonly string[], own: boolean): Expected[] {
  const middle = keys[1] ?? "";
  const lists: Expected[] = [
    { what: "a list with a limit of 1", options: { limit: 1 }, keys: keys.slice(0, 1) },
    {
      what: "a list that starts after a key",
      options: { startAfter: middle, limit: 1 },
      keys: keys.slice(2, 3),
    },
  ];
  if (!own) return lists;
  return [
    ...lists,
    { what: "a list of all", options: {}, keys },
    { what: "a list with a limit", options: { limit: 4 }, keys: keys.slice(0, 4) },
    {
      what: "a list that starts after a key that is absent",
      options: { startAfter: `${prefix}a.2` },
      keys: keys.slice(3),
    },
    {
      what: "a list that starts after the last key",
      options: { startAfter: keys.at(-1) ?? "" },
      keys: [],
    },
  ];
}
