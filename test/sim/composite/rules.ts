/** What must hold in every history, by the name that a violation begins with. */
const rules = {
  bytes: "no reader is given a wrong byte as right",
  end: "no body that is short ends cleanly",
  absence: "nothing is missing that a healthy tier had, or that any tier did not answer for",
  alone: "no more than one request for a digest is under way at the origin",
  waits: "every wait has an end",
  handles: "no request, file, spool, timer or listener is left",
  budget: "a cache keeps within its bytes",
  writes: "what is acknowledged is there, what is wrong never, and what was deleted stays away",
  rest: "when all is over, what a healthy tier has is read",
  calm: "where nothing goes wrong all succeeds, and caches are filled",
  asked: "no tier is asked more often than its callers make needful",
  sense: "answers agree with one another and with the contract",
} as const;

export type Rule = keyof typeof rules;

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
}

/** Puts all that a checker says under one rule. */
export function under(rule: Rule, texts: readonly string[]): readonly Violation[] {
  return texts.map((text) => ({ rule, text }));
}
