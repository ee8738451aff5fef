/** One way to get a service, like "a binary on PATH". */
export interface Way<T> {
  readonly name: string;
  /** Resolves to the service or to why this way does not lead to it; may also reject. */
  readonly attempt: () => Promise<T | Unavailable>;
}

/** Why one way to a service does not lead to it. */
export interface Unavailable {
  readonly unavailable: string;
  /** True where somebody asked for this way, so that trying others would hide their mistake. */
  readonly final?: boolean;
}

/** A service with the way it was got, or the reasons of every way that was tried. */
export type Outcome<T> =
  | { readonly found: true; readonly way: string; readonly value: T }
  | { readonly found: false; readonly reason: string };

/**
 * Tries the ways in order and resolves to the first that works. Never rejects: a way that
 * throws is one that does not work, and its message becomes part of the reason.
 */
export async function firstSuccess<T extends object>(ways: readonly Way<T>[]): Promise<Outcome<T>> {
  const reasons: string[] = [];
  for (const way of ways) {
    const result = await attempt(way);
    if (!("unavailable" in result)) return { found: true, way: way.name, value: result };
    reasons.push(`${way.name}: ${result.unavailable}`);
    if (result.final === true) break;
  }
  return { found: false, reason: reasons.join("\n") };
}

async function attempt<T extends object>(way: Way<T>): Promise<T | Unavailable> {
  try {
    return await way.attempt();
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}
