import type { IncomingMessage } from "node:http";
import { type Content, contentOfStream, StoreError, throwIfAborted } from "@bitstore/core";
import { chunksOf, viewOf } from "./answer.ts";
import type { OpenRange } from "./open-range.ts";
import { toStoreError } from "./to-store-error.ts";

/** An answer, and what of its body was asked for. */
export interface OpenAnswer extends OpenRange {
  readonly answer: IncomingMessage;
  readonly name: string;
  readonly key: string;
  readonly version: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that are allocated on the service's word alone; beyond it an array grows as they come. */
const promisedBytesMax = 64 * 1024 * 1024;

/**
 * Makes a read of an answer's body. A body that ends short, or goes on past its end, throws
 * UNAVAILABLE. `bytes()` of a known length reads straight into one array. The connection goes back
 * to the pool after the end, and is closed when the read is left before it.
 */
export function contentOfAnswer(open: OpenAnswer): Content {
  const { answer, name, version, size, range } = open;
  // Made when it is wanted: a stream costs more than all else that a small read does here.
  let stream: Content | undefined;
  const streamed = (): Content => {
    stream ??= contentOfStream(
      { size, range, source: name, version },
      () => streamOf(open),
      () => {
        answer.destroy();
      },
    );
    return stream;
  };
  const length = range.end === undefined ? undefined : range.end - range.start;
  const isDirect = !open.cut && length !== undefined && length <= promisedBytesMax;
  return {
    size,
    range,
    source: name,
    role: "source",
    verified: false,
    version,
    get body() {
      return streamed().body;
    },
    bytes: () => (isDirect ? readWhole(open, length) : streamed().bytes()),
    async [Symbol.asyncDispose]() {
      await stream?.[Symbol.asyncDispose]();
      answer.destroy();
    },
  };
}

async function* streamOf(open: OpenAnswer): AsyncGenerator<Uint8Array, void, void> {
  const { range, cut } = open;
  const length = range.end === undefined ? undefined : range.end - range.start;
  let skip = cut ? range.start : 0;
  let got = 0;
  try {
    for await (const chunk of chunksOf(open.answer)) {
      const part = chunk.subarray(skip, length === undefined ? undefined : skip + length - got);
      const surplus = chunk.byteLength - Math.min(skip, chunk.byteLength) - part.byteLength;
      if (surplus > 0 && !cut) throw unavailable(open, "the body is longer than was promised");
      skip -= Math.min(skip, chunk.byteLength);
      got += part.byteLength;
      if (part.byteLength > 0) yield part;
      if (cut && got === length) return;
    }
  } catch (error) {
    throw failureOf(open, error);
  }
  if (length !== undefined && got !== length) throw short(open);
}

/** Reads a body of known length without a generator, a queue and a second copy. */
function readWhole(open: OpenAnswer, length: number): Promise<Uint8Array> {
  const { answer } = open;
  return new Promise((resolve, reject) => {
    // It would emit nothing any more.
    if (answer.destroyed || answer.readableEnded) {
      reject(failureOf(open, answer.errored ?? short(open)));
      return;
    }
    const bytes = viewOf(Buffer.allocUnsafeSlow(length));
    let got = 0;
    answer.on("data", (chunk: Buffer) => {
      if (got + chunk.byteLength > length) {
        answer.destroy(unavailable(open, "the body is longer than was promised"));
        return;
      }
      bytes.set(chunk, got);
      got += chunk.byteLength;
    });
    answer.on("end", () => {
      if (got === length) resolve(bytes);
      else reject(short(open));
    });
    answer.on("error", (error) => reject(failureOf(open, error)));
    answer.on("close", () => {
      if (!answer.readableEnded) reject(failureOf(open, short(open)));
    });
  });
}

function failureOf(open: OpenAnswer, error: unknown): unknown {
  try {
    throwIfAborted(open.signal, "read", open.key);
  } catch (aborted) {
    return aborted;
  }
  return toStoreError(error, "read", open.name, open.key);
}

function short(open: OpenAnswer): StoreError {
  return unavailable(open, "the body ended short of what was promised");
}

function unavailable({ name, key }: OpenAnswer, message: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "read",
    source: name,
    subject: key,
    message,
  });
}
