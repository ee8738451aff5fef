import { InvalidArgumentError } from "commander";

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Parses a time such as `45s`, `90m`, `12h`, `30d` or `2w` into milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  const unit = unitMs[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError("A time is a number and a unit: 45s, 90m, 12h, 30d or 2w.");
  }
  return Number(match[1]) * unit;
}
