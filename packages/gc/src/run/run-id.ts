/**
 * Makes the id of a run: its time, so that ids sort by age, and 64 random bits, so that no two runs
 * ever write the same key. Lower case, since some file systems don't tell the difference.
 */
export function runId(time: Date, random: () => number): string {
  const when = time.toISOString().replace(/[-:.]/g, "").toLowerCase();
  const half = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return `${when}-${half()}${half()}`;
}
