import { InvalidArgumentError } from "commander";

/** Parses a whole number from 1 on. @throws what commander shows for anything else. */
export function parseWhole(text: string): number {
  return whole(text, 1);
}

/** Parses a whole number from 0 on, such as a sequence that entries are to come after. */
export function parseWholeOr0(text: string): number {
  return whole(text, 0);
}

function whole(text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
}
