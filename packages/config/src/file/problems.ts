import { isStoreError, StoreError } from "@bitstore/core";
import { escapeControls } from "../show-text.ts";

/** Where a mistake was made: in a file, or in an argument of the command line. */
export interface ConfigPlace {
  readonly file?: string | undefined;
  /** Counted from one, like the column. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Path of the key, such as `tiers[1].role`, or the argument, such as `--tier s3://models/`. */
  readonly key: string;
}

export interface ConfigProblem extends ConfigPlace {
  /** What is wrong and what to do, in one clause. */
  readonly message: string;
}

/** Collects mistakes, so that all of them are reported at once. */
export type Report = (problem: ConfigProblem) => void;

const shownMax = 20;

/** Writes a mistake in the form that editors jump to: `bitstore.yaml:4:12: tiers[1].rol: …`. */
export function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, key, message } = problem;
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  return escapeControls([where, key, message].filter((part) => part !== "").join(": "));
}

/**
 * Makes the one error of all mistakes: CONFIG_INVALID, or INVALID_ARGUMENT where only arguments of
 * the command line are wrong. {@link configProblems} takes it apart again.
 */
export function configError(found: readonly ConfigProblem[]): StoreError {
  const problems = found.toSorted((a, b) => order(a) - order(b));
  const lines = problems.slice(0, shownMax).map(formatProblem);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  const argumentsOnly = problems.every(({ file }) => file === undefined);
  return new StoreError({
    code: argumentsOnly ? "INVALID_ARGUMENT" : "CONFIG_INVALID",
    operation: "configure",
    message:
      lines.length === 1 ? (lines[0] ?? "") : `${problems.length} mistakes: ${lines.join("; ")}`,
    cause: { configProblems: problems },
  });
}

/** Arguments first, then a file from its top. */
function order({ line, column }: ConfigPlace): number {
  return (line ?? 0) * 2 ** 20 + (column ?? 0);
}

/** Lists the mistakes that an error of `loadConfig` reports; none for any other error. */
export function configProblems(error: unknown): readonly ConfigProblem[] {
  if (!isStoreError(error)) return [];
  const { cause } = error;
  if (typeof cause !== "object" || cause === null || !("configProblems" in cause)) return [];
  return Array.isArray(cause.configProblems) ? (cause.configProblems as ConfigProblem[]) : [];
}
