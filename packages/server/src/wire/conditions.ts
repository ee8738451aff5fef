import { StoreError } from "@bitstore/core";

/** An `If-Match` or `If-None-Match`: any representation, or entity tags without their quotes. */
export type EntityTags = "*" | readonly { readonly tag: string; readonly isWeak: boolean }[];

/** Entity tags in one header. */
const entityTagsMax = 64;

/** Without quotes it is none, but what is meant by one of ours is clear, and many write it so. */
const entityTag =
  /^\s*(W\/)?(?:"([\x21\x23-\x7e\x80-\xff]*)"|(\d{1,16}|[a-z0-9-]{4,8}:[0-9a-f]{40,128}))\s*$/;

/**
 * Parses a list of entity tags; undefined where the header is not there. RFC 9110, section 13.1.
 *
 * @throws INVALID_ARGUMENT for anything else: taken for absent, a condition would let a write pass.
 */
export function parseEntityTags(header: string | undefined, name: string): EntityTags | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === "*") return "*";
  // No entity tag of ours has a comma in it, and one that has matches nothing in any form.
  const parts = header.split(",");
  if (parts.length > entityTagsMax) throw malformed(name, `it has more than ${entityTagsMax} tags`);
  return parts.map((part) => {
    const match = entityTag.exec(part);
    if (match === null) throw malformed(name, 'it is neither * nor entity tags, such as "6"');
    return { tag: match[2] ?? match[3] ?? "", isWeak: match[1] !== undefined };
  });
}

/** Compares for If-None-Match, where a weak tag is as good as a strong one. */
export function matchesWeakly(tags: EntityTags, tag: string): boolean {
  return tags === "*" || tags.some((each) => each.tag === tag);
}

/** Compares for If-Match, where weak tags match nothing. */
export function matchesStrongly(tags: EntityTags, tag: string): boolean {
  return tags === "*" || tags.some((each) => !each.isWeak && each.tag === tag);
}

/** Tells whether a range may be served: an If-Range that is no tag of this blob wants all of it. */
export function holdsIfRange(header: string | string[] | undefined, tag: string): boolean {
  return header === undefined || header.toString().trim() === `"${tag}"`;
}

function malformed(name: string, message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "parse", subject: name, message });
}
