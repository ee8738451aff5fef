import { simulate } from "./simulate.ts";

/**
 * Tells whether a seed shows a mistake: what hunts of planted mistakes ask, by this name.
 *
 * @public
 */
export async function findViolation(seed: number): Promise<string | undefined> {
  return (await simulate(seed)).violations[0];
}
