import type { BlobGetPropertiesResponse } from "@azure/storage-blob";
import { isStoreError } from "@bitstore/core";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";

/** Asks for an object without its bytes, for an operation; undefined where it is absent. */
export async function headOf(
  service: Service,
  { customerProvidedKey }: Settings,
  operation: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<BlobGetPropertiesResponse | undefined> {
  try {
    return await service.call({
      operation,
      subject: key,
      signal,
      request: (container) =>
        container.getBlobClient(key).getProperties({
          ...(signal === undefined ? {} : { abortSignal: signal }),
          ...(customerProvidedKey === undefined ? {} : { customerProvidedKey }),
        }),
    });
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}
