import { StoreError } from "@bitstore/core";

/**
 * Makes a version of an entity tag. Answers have it in quotes, lists do not, so the quotes go: the
 * versions of one state of an object are equal wherever they come from.
 */
export function versionOf(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', "") || undefined;
}

/**
 * Makes the entity tag of a condition. What can't be a tag of this service is PRECONDITION_FAILED
 * at once: sent as it is, `*` would mean any version.
 */
export function etagOf(
  version: string,
  operation: string,
  source: string,
  subject: string,
): string {
  if (/^[\w.:+/=-]{1,128}$/.test(version)) return `"${version}"`;
  throw new StoreError({
    code: "PRECONDITION_FAILED",
    operation,
    source,
    subject,
    message: "ifVersion is no version of this service",
  });
}
