import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Returns where built and installed services are kept between runs: one folder a user. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment["XDG_CACHE_HOME"];
  // The specification of XDG base directories says that a relative path is to be ignored.
  const usable = base !== undefined && isAbsolute(base) ? base : join(homedir(), ".cache");
  return join(usable, "bitstore");
}
