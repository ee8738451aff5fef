import { StoreError } from "@bitstore/core";

/** Makes the error of an option that can't be used. It never quotes a value that may be secret. */
export function configError(message: string): StoreError {
  return new StoreError({ code: "CONFIG_INVALID", operation: "open", source: "azure", message });
}
