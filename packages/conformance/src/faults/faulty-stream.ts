import { type Bytes, StoreError } from "@bitstore/core";
import type { BodyFault } from "./fault.ts";

export interface StreamContext {
  readonly operation: string;
  readonly source: string;
  readonly subject: string;
  /** Offset of the stream's first byte in the whole object. */
  readonly start: number;
  /** Rejects when the caller aborts or the layer is disposed; never resolves. */
  readonly stall: () => Promise<never>;
  readonly count: (bytes: number) => void;
}

/**
 * Passes a stream on with a fault in it; a chunk is copied before a bit of it is turned. It is an
 * iterator by hand, so that a stream that waits can be closed through it.
 */
export function faultyStream(
  stream: Bytes,
  fault: BodyFault | undefined,
  context: StreamContext,
): Bytes {
  return { [Symbol.asyncIterator]: () => faultyIterator(stream, fault, context) };
}

function faultyIterator(
  stream: Bytes,
  fault: BodyFault | undefined,
  context: StreamContext,
): AsyncIterator<Uint8Array, void, void> {
  const chunks = stream[Symbol.asyncIterator]();
  let at = context.start;
  let state: "flows" | "breaks" | "over" = "flows";

  async function broken(): Promise<IteratorResult<Uint8Array, void>> {
    state = "over";
    // Not waited for: what is inside may hang as well.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
    if (fault !== undefined) await breakOff(fault, context);
    return { done: true, value: undefined };
  }

  function passed(chunk: Uint8Array): IteratorResult<Uint8Array, void> {
    context.count(chunk.byteLength);
    return { done: false, value: chunk };
  }

  return {
    async next() {
      if (state === "over") return { done: true, value: undefined };
      if (state === "breaks") return await broken();
      const step = await chunks.next();
      if (step.done === true) {
        state = "over";
        // A fault at the very end of the object breaks what would have been a clean end.
        if (fault?.atByte === at) await breakOff(fault, context);
        return { done: true, value: undefined };
      }
      const chunk = step.value;
      const place = fault === undefined ? -1 : fault.atByte - at;
      at += chunk.byteLength;
      if (fault === undefined || place < 0 || place >= chunk.byteLength) return passed(chunk);
      if (fault.effect === "flip") return passed(flipped(chunk, place));
      if (place === 0) return await broken();
      state = "breaks";
      return passed(chunk.subarray(0, place));
    },
    async return() {
      state = "over";
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
}

function flipped(chunk: Uint8Array, place: number): Uint8Array {
  const copy = chunk.slice();
  copy[place] = (copy[place] ?? 0) ^ 1;
  return copy;
}

async function breakOff({ atByte, effect }: BodyFault, context: StreamContext): Promise<void> {
  if (effect === "end" || effect === "flip") return;
  if (effect === "stall") return await context.stall();
  const { operation, source, subject } = context;
  const message = `fault at byte ${atByte}`;
  throw new StoreError({ code: effect, operation, source, subject, message });
}
