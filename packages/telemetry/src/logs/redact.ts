import { isStoreError } from "@bitstore/core";

/** Names of fields whose values are never shown. */
const secretName =
  /authorization|cookie|token|secret|passw|credential|signature|api[-_]?key|access[-_]?key|private[-_]?key|^sas$|^sig$|session/i;

const hidden = "[hidden]";

/** Depth and length beyond which a value is not followed. */
const depthMax = 6;
const entriesMax = 100;
const textCharsMax = 8192;

/** Secrets within texts: user info of URLs, bearer tokens, signed queries. */
const within: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, "$1"],
  [/\b(Bearer|Basic)\s+[\w~+/.=-]+/gi, `$1 ${hidden}`],
  [
    /([?&](?:[\w.-]*(?:token|secret|signature|credential|passw|key)[\w.-]*|sig|code)=)[^&\s#"']+/gi,
    `$1${hidden}`,
  ],
];

/**
 * Makes a text fit for a log: without the secrets that are known by their form, and without control
 * characters and marks of direction, by which a name could write lines of its own on a terminal.
 */
export function safeText(text: string): string {
  let shown = text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text;
  for (const [secret, instead] of within) shown = shown.replace(secret, instead);
  return shown.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped);
}

/** Makes a value fit for a log: fields with a secret's name hidden, texts as `safeText` does. */
export function safeValue(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return safeText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return safeError(value, depth);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) {
    return value.slice(0, entriesMax).map((each) => safeValue(each, depth + 1));
  }
  return safeFields(value, depth);
}

/** The same for the fields of an object. */
export function safeFields(fields: object, depth = 0): Record<string, unknown> {
  const pairs = Object.entries(fields)
    .slice(0, entriesMax)
    .map(([name, value]) => [
      safeText(name),
      secretName.test(name) && value !== undefined ? hidden : safeValue(value, depth + 1),
    ]);
  return Object.fromEntries(pairs) as Record<string, unknown>;
}

/** Errors of ours by what they say; a stack only of those that are none. */
function safeError(error: Error, depth: number): unknown {
  const { cause } = error;
  const causes =
    cause === undefined || depth >= depthMax ? {} : { cause: safeValue(cause, depth + 1) };
  if (isStoreError(error)) {
    const { code, operation, source, subject, persistence, retryAfterMs, serviceCode } = error;
    const facts = { code, operation, source, subject, persistence, retryAfterMs, serviceCode };
    return { message: safeText(error.message), ...safeFields(facts, depth), ...causes };
  }
  const code = "code" in error ? { code: safeValue(error.code, depth + 1) } : {};
  // Escaped as a whole, a stack would be one unreadable line: its lines are escaped instead.
  const stack = error.stack?.split("\n").slice(0, 20).map(safeText);
  return { message: safeText(error.message), name: error.name, ...code, stack, ...causes };
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
