/**
 * Defects that are known and not mended yet, by name. The plan goes round each, so that other seeds go
 * on to find others; a run says which, and `--with NAME` meets it again. None may stay for long.
 */
export const knownDefects = {
  fillTurns: "a fill that waits for its turn holds the spool, and with it all readers",
} as const;

export type KnownDefect = keyof typeof knownDefects;

const met = new Set<string>();

/** Lets plans meet a known defect again. */
export function meet(name: string): void {
  if (!(name in knownDefects)) throw new RangeError(`no known defect is called ${name}`);
  met.add(name);
}

/** Whether plans go round a defect. */
export function isAvoided(name: KnownDefect): boolean {
  return !met.has(name);
}
