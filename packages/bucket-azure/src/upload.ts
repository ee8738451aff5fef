import type { PutOptions } from "@bitstore/core";

/** What must hold of the key for an upload to be seen. */
export interface Conditions {
  readonly ifNoneMatch?: string;
  readonly ifMatch?: string;
}

/** One put on its way. */
export interface Upload {
  readonly key: string;
  readonly options: PutOptions;
  readonly conditions: Conditions;
  /** Names this upload, and no other. */
  readonly uploadId: string;
}

/** Views bytes as the Buffer that the SDK sends without a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
