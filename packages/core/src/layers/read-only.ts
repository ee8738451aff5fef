import { StoreError } from "../errors.ts";
import type { BlobSource, BlobStore } from "../source.ts";

/**
 * Makes a store of a source: put, delete and list reject with UNSUPPORTED. Use it where a contract
 * wants a store, such as a tier, and the source can only be read, or should only be.
 */
export function readOnly(source: BlobSource): BlobStore {
  const refuse = (operation: string): StoreError =>
    new StoreError({
      code: "UNSUPPORTED",
      operation,
      source: source.name,
      message: "it is read only",
    });
  return {
    name: source.name,
    capabilities: { ...source.capabilities, put: false, delete: false, list: false },
    stat: (digest, options) => source.stat(digest, options),
    open: (digest, options) => source.open(digest, options),
    put: () => Promise.reject(refuse("put")),
    delete: () => Promise.reject(refuse("delete")),
    // oxlint-disable-next-line require-yield -- the contract's iterable, of which nothing comes
    async *list() {
      throw refuse("list");
    },
    [Symbol.asyncDispose]: async () => await source[Symbol.asyncDispose](),
  };
}
