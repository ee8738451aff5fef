/** Edits between a word and what was meant; more than this is another word. */
const editsMax = 2;

/**
 * Finds what a misspelt word was meant to be: the candidate within two edits of it that is nearest,
 * or the one that differs in case or hyphens only. Undefined where nothing is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const folded = fold(word);
  // A long word can't be near any candidate, and the table below is quadratic.
  if (folded.length > 40) return undefined;
  let best: string | undefined;
  let least = Math.min(editsMax, Math.ceil(folded.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = distance(folded, fold(candidate));
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

/** Says `did you mean "x"?`, or else lists the candidates. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? `known are ${candidates.join(", ")}` : `did you mean "${near}"?`;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

/** Counts insertions, deletions, substitutions and swaps of neighbours between two words. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
