import { StoreError } from "@bitstore/core";

/**
 * Loads a driver's package when its first store is opened, so that nobody waits for the SDKs of
 * services that are not in use, or needs them installed.
 *
 * @throws UNSUPPORTED where the package is not installed.
 */
export async function importDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const isMissing =
      cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw cause;
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "open",
      source: name,
      message: `the package is not there; npm install ${name}`,
      cause,
    });
  }
}
