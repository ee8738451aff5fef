import { StoreError } from "@bitstore/core";
import { isConfined, type Principal } from "./principal.ts";
import type { RouteAccess } from "./route-access.ts";
import { isWithinTagPrefixes } from "./tag-prefixes.ts";

/**
 * Lets a principal use a route, or throws PERMISSION_DENIED. `tag` is the decoded name in the request,
 * where the route has one. What it answers depends on the principal and on names in the request alone,
 * never on what is stored, so that a refusal tells nothing of it. A scope includes no other: `admin`
 * does not read.
 */
export function authorize(principal: Principal, access: RouteAccess, tag?: string): void {
  if (access.scope === "public") return;
  if (!principal.scopes.has(access.scope)) {
    throw denied(principal, `it needs the scope ${access.scope}`);
  }
  if (!isConfined(principal) || access.confined === "any") return;
  if (access.confined === "never") {
    throw denied(principal, "it is confined to tags, and reaches blobs through them alone");
  }
  // A route that confines to tags and was asked without one would be open to all of them.
  if (tag === undefined || !isWithinTagPrefixes(principal.tagPrefixes ?? [], tag)) {
    throw denied(principal, "the tag is under none of the prefixes that it is confined to");
  }
}

/** Makes the refusal of what a principal may not do. */
export function denied({ name }: Principal, message: string): StoreError {
  return new StoreError({
    code: "PERMISSION_DENIED",
    operation: "authorize",
    subject: JSON.stringify(name),
    message,
  });
}
