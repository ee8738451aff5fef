import { checkKey, StoreError } from "@bitstore/core";

/** UTF-8 bytes of the longest key. The service counts 1,024 characters, which is never less. */
export const keyBytesMax = 1024;

/** Segments between slashes, of an account without hierarchical namespace. */
const keySegmentsMax = 254;

/**
 * Refuses with INVALID_ARGUMENT the keys that the service refuses, and those that it stores under
 * another name without saying so: it turns `\` into `/`, drops dots at the end of a segment and
 * resolves `.` and `..`; so do URL parsers on the way. Empty segments are kept as they are. U+FFFE
 * and U+FFFF can't be written in the XML of a list, and control characters are not allowed.
 *
 * "Naming and Referencing Containers, Blobs, and Metadata" in the documentation of the REST API.
 */
export function checkAzureKey(key: string, operation: string, source: string): void {
  checkKey(key, keyBytesMax, operation, source);
  const problem = keyProblem(key);
  if (problem === undefined) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation,
    subject: `key ${JSON.stringify(key.slice(0, 80))}`,
    source,
    message: `${problem}: choose another key`,
  });
}

function keyProblem(key: string): string | undefined {
  if (key.includes("\\")) return "Azure stores a backslash as a slash";
  if (/\.(?:\/|$)/.test(key)) return "Azure drops dots at the end of a segment";
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0080-\u009f]/.test(key)) return "Azure takes no control characters";
  if (/[\ufffe\uffff]/.test(key)) return "Azure can't list U+FFFE and U+FFFF";
  if (key.length > keySegmentsMax && key.split("/").length > keySegmentsMax) {
    return `Azure takes no more than ${keySegmentsMax} segments`;
  }
  return undefined;
}
