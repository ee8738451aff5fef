import { resolve } from "node:path";

/** Names of headers and parameters whose values are secrets. */
const secretNames: readonly RegExp[] = [
  /^(?:proxy-)?authorization$/i,
  /^(?:set-)?cookie$/i,
  /(?:^|[-_.])(?:token|secret|password|passwd|pwd|auth|credentials?)$/i,
  /(?:^|[-_.])(?:key|api-?key|signature|sig)$/i,
  /^(?:aws)?access-?key(?:-?id)?$/i,
];

/** A reference to a secret, perhaps behind a scheme word: `env:NAME`, `Bearer file:PATH`. */
export const secretReference: RegExp = /^(?:([A-Za-z][A-Za-z0-9-]{0,31}) )?(env|file):(.+)$/s;

/** Tells whether a header or parameter of this name carries a secret. */
export function namesSecret(name: string): boolean {
  const separated = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2");
  return secretNames.some((pattern) => pattern.test(separated));
}

/** Tells whether a value only says where a secret is. */
export function refersToSecret(value: string): boolean {
  return secretReference.test(value);
}

/** Makes the path of a `file:` reference absolute. */
export function rebaseReference(text: string, base: string): string {
  const match = secretReference.exec(text);
  if (match === null || match[2] !== "file") return text;
  return `${match[1] === undefined ? "" : `${match[1]} `}file:${resolve(base, match[3] ?? "")}`;
}
