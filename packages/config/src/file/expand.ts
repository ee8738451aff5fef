import { ok, type Parsed, wrong } from "../result.ts";

/** Variables by name; those that are not set are undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expanded {
  readonly text: string;
  /** Names of the variables in it. */
  readonly variables: readonly string[];
}

const expandedCharsMax = 64 * 1024;

/**
 * Replaces each `${NAME}` by a variable of the environment; `$${` stands for `${`. What is inserted
 * is not expanded again. A variable that is not set is a problem, never an empty text.
 */
export function expandText(text: string, environment: Environment): Parsed<Expanded> {
  if (!text.includes("${")) return ok({ text, variables: [] });
  const variables: string[] = [];
  let problem: string | undefined;
  const expanded = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (whole, name: string | undefined, end) => {
      if (name === undefined) return "${";
      if (end === "") problem ??= "${ has no closing }; write $${ for the characters themselves";
      else if (!/^[A-Za-z_]\w{0,127}$/.test(name)) {
        problem ??=
          "${…} holds no variable name; write ${NAME}, or $${ for the characters themselves";
      }
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (value === undefined) problem ??= `the environment variable ${name} is not set`;
      else variables.push(name);
      return value ?? whole;
    },
  );
  if (problem !== undefined) return wrong(problem);
  if (expanded.length > expandedCharsMax) return wrong("is too long once expanded");
  return ok({ text: expanded, variables });
}
