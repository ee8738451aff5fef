/**
 * Escapes control characters, line separators and bidirectional overrides, so that names and
 * messages that come from strangers can't drive a terminal or forge a line of output. What is left
 * is printed as it is.
 */
export function escapeControls(text: string): string {
  return text.replace(unsafe, escapeCharacter);
}

/** Writes one JSON object on one line; what a terminal would act on is escaped as JSON allows. */
export function jsonLine(record: object): string {
  return JSON.stringify(record).replace(unsafe, escapeCharacter);
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
