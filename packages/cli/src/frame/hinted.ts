import { StoreError, type StoreErrorOptions } from "@bitstore/core";

/** An error with a line of advice, which is printed below it. */
export type HintedError = StoreError & { readonly hint: string };

/** Makes an error whose way out does not fit into its one line. */
export function hinted(options: StoreErrorOptions & { readonly hint: string }): HintedError {
  return Object.assign(new StoreError(options), { hint: options.hint });
}

/** Makes the error of a command line that can't be carried out; it names no operation. */
export function badUsage(message: string, hint: string): HintedError {
  return hinted({ code: "INVALID_ARGUMENT", operation: "", message, hint });
}

/** Finds the advice that an error carries. */
export function hintIn(error: StoreError): string | undefined {
  return "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
}

/** Writes an error's one line; a wrong command line needs no word of what was under way. */
export function messageOf(error: StoreError): string {
  return error.operation === "" ? error.detail : error.message;
}
