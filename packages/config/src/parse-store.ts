import { StoreError } from "@bitstore/core";
import type { StoreConfig } from "./store-config.ts";
import { isConnectionName, storeConfig } from "./tiers/resolve-tiers.ts";
import { parseStoreUrl } from "./url/parse-store-url.ts";
import { redactUrl } from "./url/redact-url.ts";

/**
 * Parses the URL of a store that stands alone, as in `cp --from URL`; what only a tier among others
 * has, such as a role, is refused.
 *
 * @throws INVALID_ARGUMENT as `parseStoreUrl` does.
 */
export function parseStore(input: string, base: string): StoreConfig {
  const { location, options } = parseStoreUrl(input, base);
  const place = Object.keys(options).find((name) => !isConnectionName(name));
  if (place !== undefined) {
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "parse",
      subject: `store ${redactUrl(input)}`,
      message: `${place} is an option of tiers; leave it out for a store alone`,
    });
  }
  return storeConfig({ location, options, credentials: [], place: () => ({ key: "" }) });
}
