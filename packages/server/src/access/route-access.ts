import type { Scope } from "./principal.ts";

/**
 * Says who may use a route. Every route declares it, and none is used that does not: what is not
 * declared can't be authorized, so it fails a test rather than stand open.
 */
export interface RouteAccess {
  /** The scope that it needs; `public` asks nobody who calls, and is for probes alone. */
  readonly scope: Scope | "public";
  /**
   * What a principal confined to tag prefixes may do with it: `never`; `tag`, with tags under its
   * prefixes alone (the route has a `{tag}`); `any`, since it reveals nothing of what others put.
   */
  readonly confined: "never" | "tag" | "any";
}
