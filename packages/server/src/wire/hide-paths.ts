import type { Principal } from "../access/principal.ts";

/** Words of an answer, as a caller may read them. */
export type Wording = (text: string) => string;

/**
 * Makes what shows a caller the words of errors and the names of stores: where a directory lies on the
 * server's machine is for `admin` alone, and others see its last name. Buckets and hosts are shown to
 * all who may ask; secrets stand in no name.
 */
export function wordingFor(principal: Principal | undefined): Wording {
  return principal?.scopes.has("admin") === true ? (text) => text : hidePaths;
}

/** Directories as stores and caches are named by them. */
const names = /\b(file:\/\/|cache:)(\/[^\s"']+)/g;
/** Paths as the system's own errors have them; what begins with `/v1/` is a route. */
const quoted = /(["'])(\/(?!v1\/)[^"'\n]+\/[^"'\n]+)\1/g;

/** Leaves of each directory in a text its last name: `file:///srv/data/blobs/` is `file:…/blobs`. */
export function hidePaths(text: string): string {
  return text
    .replace(quoted, (_, quote: string, path: string) => `${quote}…/${lastOf(path)}${quote}`)
    .replace(names, (_, scheme: string, path: string) => {
      const behind = /[:,;.)]*$/.exec(path)?.[0] ?? "";
      const last = lastOf(path.slice(0, path.length - behind.length));
      return `${scheme === "file://" ? "file:" : scheme}…/${last}${behind}`;
    });
}

function lastOf(path: string): string {
  return path.split("/").findLast((name) => name !== "") ?? "";
}
