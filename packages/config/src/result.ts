/** What a parser of text answers: a value, or one clause that says what is wrong and what to do. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

export function ok<T>(value: T): Parsed<T> {
  return { value };
}

export function wrong(problem: string): { readonly problem: string } {
  return { problem };
}
