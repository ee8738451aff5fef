/** Tells whether text has a control character; no URL, path, prefix or name of ours has one. */
export function hasControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return /[\u0000-\u001f\u007f]/.test(text);
}

const shownCharsMax = 80;

/** Shows text of a stranger in quotes: bounded in length, control and bidi characters escaped. */
export function showText(text: string): string {
  return JSON.stringify(
    text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text,
  ).replace(unsafe, escapeCharacter);
}

/** Escapes control and bidi characters, so that text of a stranger can't drive a terminal. */
export function escapeControls(text: string): string {
  return text.replace(unsafe, escapeCharacter);
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

function escapeCharacter(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
