/** What a caller may ask for; each route names the one that it needs. */
export type Scope = "read" | "write" | "delete" | "tag" | "admin";

export const scopes: readonly Scope[] = ["read", "write", "delete", "tag", "admin"];

/** Who calls, as far as the server believes it. */
export interface Principal {
  /** For logs and the audit: the name of a token or the subject of a JWT, never a secret. */
  readonly name: string;
  readonly namespace: string;
  readonly scopes: ReadonlySet<Scope>;
  /**
   * Tags that it is confined to: `team` is that tag and all under `team/`, `team/` those under it
   * alone, compared by whole segments and with case (`isWithinTagPrefixes`). Undefined: all. Where
   * given, blobs are reached through those tags alone.
   */
  readonly tagPrefixes: readonly string[] | undefined;
  /** When its credentials end, in milliseconds since 1970; left out: they don't, as far as is known. */
  readonly expiresAtMs?: number | undefined;
}

/** What is looked at to find out who calls. */
export interface Credentials {
  /** The Authorization header, as it came. */
  readonly authorization: string | undefined;
}

/** Finds out who calls. Rejects with UNAUTHENTICATED; UNAVAILABLE where keys can't be fetched. */
export type Authenticate = (credentials: Credentials) => Promise<Principal>;

/** Tells whether a principal reaches blobs through its own tags alone. */
export function isConfined({ tagPrefixes }: Principal): boolean {
  return tagPrefixes !== undefined;
}
