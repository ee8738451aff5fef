import { type Content, contentOfBytes } from "../content.ts";
import { isWhole } from "../range.ts";
import type { BlobStore } from "../source.ts";
import { verifyBytes, verifyStream } from "../verify.ts";
import { mapContent } from "./map-content.ts";

export interface VerifiedOptions {
  /** Bytes of the largest blob of which nothing is handed out before it matched; 4 MiB. */
  readonly verifyFirstBytesMax?: number | undefined;
}

/**
 * Verifies every whole read of a store against its digest. Small blobs are read before anything is
 * handed out; larger ones stream, and their last chunk is held back until they matched. Ranges pass
 * with `verified: false`. A composite does this by itself; use this layer on a store alone.
 */
export function verified(inner: BlobStore, options: VerifiedOptions = {}): BlobStore {
  const bytesMax = options.verifyFirstBytesMax ?? 4 * 2 ** 20;
  return {
    ...inner,
    async open(digest, call): Promise<Content | undefined> {
      const content = await inner.open(digest, call);
      if (content === undefined || !isWhole(call?.range)) return content;
      const { size, source, role, version } = content;
      if (size !== undefined && size <= bytesMax) {
        const bytes = await content.bytes();
        await verifyBytes(bytes, digest, "open", source);
        return contentOfBytes({ size, source, role, version, verified: true }, bytes);
      }
      const stream = mapContent(content, {
        body: (body) => verifyStream(body, digest, "open", source, size),
        bytes: async (read) => {
          const bytes = await read();
          await verifyBytes(bytes, digest, "open", source);
          return bytes;
        },
      });
      return { ...stream, verified: true };
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}
