import { crashHistory, type CrashOptions } from "./crash-history.ts";

/**
 * Tells whether a seed shows a mistake: what hunts of planted bugs ask, by this name.
 *
 * @public
 */
export async function findViolation(seed: number): Promise<string | undefined> {
  return (await crashHistory(seed)).violations[0];
}

/** Leaves out what the mistake does not need, and prints what is left, call by call. */
export async function explain(seed: number, smallest = true): Promise<string> {
  const left = smallest ? await shrink(seed) : new Set<string>();
  const lines: string[] = [];
  const { violations } = await crashHistory(seed, {
    without: left,
    note: (line) => lines.push(line),
  });
  return [`seed ${seed}`, ...lines, ...violations.map((violation) => `  ! ${violation}`)].join(
    "\n",
  );
}

/** Finds turns of callers that can be left out, as long as something stays wrong. */
async function shrink(seed: number): Promise<ReadonlySet<string>> {
  let without: ReadonlySet<string> = new Set();
  const isWrong = async (options: CrashOptions): Promise<boolean> =>
    (await crashHistory(seed, options)).violations.length > 0;
  const turns: string[] = [];
  await crashHistory(seed, { onTurn: (turn) => turns.push(turn) });
  for (const turn of turns.toReversed()) {
    const fewer = new Set([...without, turn]);
    if (await isWrong({ without: fewer })) without = fewer;
  }
  return without;
}
