import { parseTagName, StoreError } from "@bitstore/core";

/** Prefixes that one principal may have; each costs a comparison in each request. */
export const tagPrefixesMax = 64;

/**
 * Tells whether a tag is one of those that prefixes name. `team` names itself and all under `team/`;
 * `team/` what is under it alone. Whole segments count, and case: `team` names neither `team-b` nor
 * `Team`. The name is the decoded one: a tag that is still percent-encoded is no tag name.
 */
export function isWithinTagPrefixes(prefixes: readonly string[], tag: string): boolean {
  return prefixes.some((prefix) =>
    prefix.endsWith("/") ? tag.startsWith(prefix) : tag === prefix || tag.startsWith(`${prefix}/`),
  );
}

/** Checks a prefix and returns it. @throws INVALID_ARGUMENT for what names no tags. */
export function checkTagPrefix(prefix: string): string {
  // An empty one would be all tags, which is said by no prefix at all and never by accident.
  if (prefix === "" || prefix === "/") {
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "",
      message: "a tag prefix is empty; leave tagPrefixes out for all tags",
    });
  }
  parseTagName(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
  return prefix;
}
