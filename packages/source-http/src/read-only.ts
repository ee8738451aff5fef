import { type BlobStore, type Descriptor, StoreError } from "@bitstore/core";

/** Makes the three operations that a source without writes rejects with UNSUPPORTED. */
export function unsupportedWrites(source: string): Pick<BlobStore, "put" | "delete" | "list"> {
  const refuse = (operation: string): StoreError =>
    new StoreError({
      code: "UNSUPPORTED",
      operation,
      source,
      message: `this source can't ${operation}`,
    });
  return {
    put: () => Promise.reject(refuse("put")),
    delete: () => Promise.reject(refuse("delete")),
    // oxlint-disable-next-line require-yield -- a listing fails when it is read, as elsewhere
    async *list(): AsyncGenerator<Descriptor, void, void> {
      throw refuse("list");
    },
  };
}
