import { createHash } from "node:crypto";
import type { RootMemory } from "@bitstore/bucket-fs";
import {
  type Bucket,
  type CallOptions,
  type Clock,
  isStoreError,
  StoreError,
} from "@bitstore/core";

/** How long the metadata may take to say whether a directory was there. */
const rememberMs = 5_000;

export interface RootMemoryOptions {
  /** Of the directory. */
  readonly url: string;
  readonly clock: Clock;
  /** False asks what is remembered, and writes nothing. */
  readonly remembers: boolean;
}

/**
 * Remembers in a metadata bucket that a directory was there, by an object `v1/_roots/HEX.json` that
 * says which; HEX is the sha256 of its URL.
 */
export function rootMemory(
  metadata: Bucket,
  { url, clock, remembers }: RootMemoryOptions,
): RootMemory {
  const hex = createHash("sha256").update(url).digest("hex");
  const key = `v1/_roots/${hex}.json`;
  const body = new TextEncoder().encode(`${JSON.stringify({ root: url })}\n`);
  const place = createHash("sha256").update(`${metadata.service} ${metadata.name} ${key}`);

  /** Gives up after a while: an open or a put waits for it. */
  async function limited<T>(ask: (options: CallOptions) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const cancel = clock.after(rememberMs, () => controller.abort());
    try {
      return await ask({ signal: controller.signal });
    } catch (error) {
      throw untold(error, metadata.name);
    } finally {
      cancel();
    }
  }

  return {
    id: place.digest("hex"),
    wasThere: async () =>
      await limited(async (options) => (await metadata.head(key, options)) !== undefined),
    remember: async () =>
      await limited(async (options) => {
        try {
          if (!remembers) return;
          const ifAbsent = metadata.capabilities.createIfAbsent;
          await metadata.put(key, body, { ...options, ifAbsent, size: body.byteLength });
        } catch (error) {
          // Who may not write there can use the directory all the same.
          if (!isStoreError(error, "PERMISSION_DENIED")) throw error;
        }
      }),
  };
}

function untold(cause: unknown, metadata: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "use",
    source: metadata,
    message: "the metadata does not say whether the directory was there before, so it is not made",
    cause,
  });
}
