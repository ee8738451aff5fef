/** One mistake, planted into the sources of a package when they are loaded; the files stay as they are. */
export interface Mutant {
  /** The mistake in a few words; unique in its list. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /**
   * What goes wrong with it, after the failures of others that it repeats, as they are numbered in
   * `docs/failure-modes.md`, or the rule of ours that it breaks where nobody else has made it:
   * `F1, F2: …` or `SAFETY 6: …`.
   */
  readonly why: string;
}

/** A mistake that a simulator must find: one mutant, or some that are planted together. */
export interface Mistake {
  readonly name: string;
  readonly mutants: readonly Mutant[];
  /** The module that is asked for violations, where it is not the simulator's own. */
  readonly simulation?: string | undefined;
  /** Where tests begin to look: at the first seed that shows it, where that is a late one. Default 0. */
  readonly firstSeed?: number | undefined;
}

const failures = /^((?:F|SAFETY )\d+(?:, (?:F|SAFETY )\d+)*): /;

/** Tells what a mutant plants: numbers of failures and rules, as its `why` names them. */
export function failuresOf({ why }: Mutant): readonly string[] {
  return failures.exec(why)?.[1]?.split(", ") ?? [];
}

/** Says why a mutant does not fit its file any more; undefined where it does. */
export function misfit(mutant: Mutant, source: string): string | undefined {
  const count = source.split(mutant.find).length - 1;
  if (count !== 1) return `${mutant.name}: its text stands ${count} times in ${mutant.file}`;
  if (mutant.find === mutant.replace) return `${mutant.name}: it changes nothing`;
  return undefined;
}

/** Plants a mutant into the text of its file. */
export function plant(mutant: Mutant, source: string): string {
  const problem = misfit(mutant, source);
  if (problem !== undefined) throw new Error(problem);
  return source.split(mutant.find).join(mutant.replace);
}
