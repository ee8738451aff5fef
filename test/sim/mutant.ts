/** One mistake, planted into the sources of a package when they are loaded; the files stay as they are. */
export interface Mutant {
  /** The mistake in a few words; unique in its list. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong with it. */
  readonly why: string;
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
