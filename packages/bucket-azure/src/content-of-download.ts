import type { Readable } from "node:stream";
import { collect, type Content, type ContentParts, contentOfStream } from "@bitstore/core";

/** A body on its way from the service. */
export interface Download {
  /** Somebody listens to its errors already. */
  readonly stream: Readable;
  /** Bytes that the answer promises. */
  readonly length: number;
  /** Lets go of what the read holds besides the stream. */
  readonly release: () => void;
  /** Makes the error of a stream that broke. */
  readonly failed: (error: Error) => Error;
}

/** Up to this, `bytes()` allocates what the answer promises before it comes. */
const preallocatedBytesMax = 64 * 2 ** 20;

/** Makes a read of a download. Whatever is left of it when it is released closes its connection. */
export function contentOfDownload(parts: ContentParts, download: Download): Content {
  const { stream, length } = download;
  let taken = false;
  const release = (): void => {
    stream.destroy();
    download.release();
  };
  const content = contentOfStream(parts, () => chunks(download), release);
  return {
    ...content,
    bytes: async () => {
      // Of a read that is over nothing is left, which the body says by an error.
      if (taken || stream.destroyed || length > preallocatedBytesMax) {
        return await collect(content.body);
      }
      taken = true;
      try {
        return await readWhole(download);
      } finally {
        await content[Symbol.asyncDispose]();
      }
    },
  };
}

async function* chunks({ stream, length, failed }: Download): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    throw failed(error instanceof Error ? error : new Error(String(error)));
  }
  if (size !== length) throw failed(new Error(`${size} bytes where ${length} were promised`));
}

/** Reads a body into one array, or hands out its only chunk as it is. */
function readWhole({ stream, length, failed }: Download): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let whole: Buffer | undefined;
    let size = 0;
    let settled = false;
    const fail = (error: Error): void => {
      if (settled) return;
      settled = true;
      stream.destroy();
      reject(failed(error));
    };
    stream.on("data", (chunk: Buffer) => {
      const at = size;
      size += chunk.byteLength;
      if (at === 0 && size === length) {
        whole = chunk;
        return;
      }
      if (size > length) return fail(new Error(`more bytes than the ${length} promised`));
      whole ??= Buffer.allocUnsafeSlow(length);
      chunk.copy(whole, at);
    });
    stream.once("error", fail);
    // An abort may close without an error; every stream closes, so the error is made only then.
    stream.once("close", () => settled || fail(new Error("closed before its end")));
    stream.once("end", () => {
      if (size !== length) return fail(new Error(`${size} bytes where ${length} were promised`));
      settled = true;
      return resolve(whole ?? Buffer.alloc(0));
    });
  });
}
