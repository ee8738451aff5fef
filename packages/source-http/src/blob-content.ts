import { type Bytes, collect, type Content, StoreError, throwIfAborted } from "@bitstore/core";
import { decodeContent } from "./decode-content.ts";
import type { Exchange } from "./exchange.ts";
import type { ReadPlan } from "./read-plan.ts";
import type { Asked } from "./transport-error.ts";

export interface BodyLimits {
  readonly blobBytesMax: number;
  /** Bytes of a body after its content coding was undone. */
  readonly decodedBytesMax: number;
}

/** Bytes that a header may make us allocate before one of them has come. */
const preallocatedBytesMax = 64 * 2 ** 20;

/**
 * Makes the read of an answer. Nothing is read before it is asked for; `release` is called once,
 * when the bytes are read, have failed, were left, or are disposed.
 */
export function blobContent(
  answer: Exchange,
  plan: ReadPlan,
  asked: Asked,
  limits: BodyLimits,
  release: () => void,
  signal?: AbortSignal,
): Content {
  const { length, coding, skip } = plan;
  // Bytes that have arrived are not handed out either once the caller has left.
  const checkAborted = (): void => throwIfAborted(signal, asked.operation, asked.subject);
  let isReleased = false;
  const finish = (): void => {
    if (isReleased) return;
    isReleased = true;
    answer.destroy();
    release();
  };
  const chunks = (): Bytes => {
    const raw = answer.body.chunks();
    return coding === undefined ? raw : decodeContent(raw, coding, asked);
  };
  const body = cut(chunks, plan, asked, limits, checkAborted, finish);
  async function bytes(): Promise<Uint8Array> {
    const isDirect = coding === undefined && skip === 0 && plan.isExact;
    if (!isDirect || length === undefined || length > preallocatedBytesMax) return collect(body);
    try {
      checkAborted();
      return await answer.body.whole(length, (got) => wrongLength(asked, got, length));
    } finally {
      finish();
    }
  }
  return {
    size: plan.size,
    range: plan.range,
    source: asked.source,
    role: "source",
    verified: false,
    version: plan.version,
    body,
    bytes,
    async [Symbol.asyncDispose]() {
      // First, or a reader that waits for a chunk would hold the return of the generator up.
      finish();
      await body.return().catch(() => undefined);
    },
  };
}

/**
 * Leaves the start out, stops after the length, and counts, so that no length is ever believed. One
 * generator does it all, because each costs something for each chunk.
 */
async function* cut(
  chunks: () => Bytes,
  plan: ReadPlan,
  asked: Asked,
  limits: BodyLimits,
  checkAborted: () => void,
  finish: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  const { length, isExact, coding } = plan;
  const bytesMax = coding === undefined ? limits.blobBytesMax : limits.decodedBytesMax;
  let skip = plan.skip;
  let seen = 0;
  try {
    for await (const chunk of chunks()) {
      checkAborted();
      const kept = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.byteLength));
      skip -= chunk.byteLength - kept.byteLength;
      if (kept.byteLength === 0) continue;
      const left = length === undefined ? bytesMax - seen : length - seen;
      if (kept.byteLength > left) {
        if (length === undefined) throw tooLarge(asked, coding, bytesMax);
        if (isExact) throw wrongLength(asked, seen + kept.byteLength, length);
      }
      const part = kept.byteLength > left ? kept.subarray(0, left) : kept;
      seen += part.byteLength;
      yield part;
      if (!isExact && seen === length) return;
    }
    if (length !== undefined && seen !== length) throw wrongLength(asked, seen, length);
  } finally {
    finish();
  }
}

function wrongLength(
  { operation, subject, source }: Asked,
  got: number,
  length: number,
): StoreError {
  const message = `the body has ${got} bytes where ${length} were promised`;
  return new StoreError({ code: "UNAVAILABLE", operation, subject, source, message });
}

function tooLarge(
  { operation, subject, source }: Asked,
  coding: string | undefined,
  bytesMax: number,
): StoreError {
  const limit = coding === undefined ? "blobBytesMax" : "decodedBytesMax";
  const message = `the body is longer than ${bytesMax} bytes (${limit})`;
  return new StoreError({ code: "TOO_LARGE", operation, subject, source, message });
}
