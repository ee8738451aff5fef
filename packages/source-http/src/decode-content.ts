import { Readable, pipeline, type Transform } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import { type Bytes, isStoreError, StoreError } from "@bitstore/core";
import type { Asked } from "./transport-error.ts";

const decoders: Readonly<Record<string, () => Transform>> = {
  br: () => createBrotliDecompress(),
  deflate: () => createInflate(),
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  zstd: () => createZstdDecompress(),
};

/** Tells whether {@link decodeContent} knows a content coding. */
export function isKnownCoding(coding: string): boolean {
  return Object.hasOwn(decoders, coding);
}

/**
 * Undoes a content coding while the bytes stream, with no more than a window in memory. Throws
 * UNAVAILABLE where the coded bytes are broken or end early; leaving the loop closes their source.
 */
export async function* decodeContent(
  coded: Bytes,
  coding: string,
  asked: Asked,
): AsyncGenerator<Uint8Array, void, void> {
  const { operation, subject, source } = asked;
  const decoder = decoders[coding]?.();
  if (decoder === undefined) {
    const message = `the coding ${coding} is not known`;
    throw new StoreError({ code: "UNSUPPORTED", operation, subject, source, message });
  }
  const input = Readable.from(coded, { objectMode: false });
  // The loop below throws what breaks the pipeline, so its callback has nothing to add.
  pipeline(input, decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk;
  } catch (cause) {
    if (isStoreError(cause)) throw cause;
    const message = `the ${coding} encoding of the bytes is broken`;
    throw new StoreError({ code: "UNAVAILABLE", operation, subject, source, message, cause });
  }
}
