import type { JwtAlgorithm, JwtClaims } from "./jwt.ts";
import type { Principal, Scope } from "./principal.ts";
import type { TokenEntry } from "./token-table.ts";

/** An issuer of JWTs whose tokens are taken. */
export interface JwtIssuerConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly clockSkewMs: number;
  readonly claims: JwtClaims;
  readonly namespace: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Where its keys are published, or the keys themselves. */
  readonly keys:
    | { readonly kind: "url"; readonly url: URL; readonly allowPrivate: boolean }
    | { readonly kind: "inline"; readonly keys: readonly unknown[] };
}

/** A namespace besides the default one. */
export interface NamespaceConfig {
  /** Names of read-only tiers that it may read from, none by default. */
  readonly sources: readonly string[];
}

/** Who may do what, as the server's part of a config says. */
export interface AccessConfig {
  /**
   * `none`: anybody may do all; `required`: nobody may do anything without credentials, but for what
   * `anonymous` may.
   */
  readonly mode: "none" | "required";
  readonly tokens: readonly TokenEntry[];
  readonly jwt: readonly JwtIssuerConfig[];
  /** What callers without credentials may do, where some of it. */
  readonly anonymous: Principal | undefined;
  /** Where the secrets stand (`env:NAME`, `file:PATH`) that receipts are signed by, the newest first. */
  readonly secrets: readonly string[];
  /** Names that clients know the server by. */
  readonly hosts: readonly string[];
  readonly corsOrigins: readonly string[];
  /** All but `default`, by name. */
  readonly namespaces: ReadonlyMap<string, NamespaceConfig>;
}
