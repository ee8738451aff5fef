import {
  abortedError,
  type Body,
  type ByteRange,
  type CallOptions,
  type Clock,
  type Content,
  contentOfStream,
  type ErrorCode,
  isStoreError,
  openBody,
  StoreError,
  sleep,
  systemClock,
  throwIfAborted,
} from "@bitstore/core";
import type { Fault, FaultOperation, FaultScript } from "./fault.ts";
import { faultyStream, type StreamContext } from "./faulty-stream.ts";
import { type Ledger, openLedger } from "./ledger.ts";

export interface FaultOptions {
  /** The clock of `delayMs`; the machine's own if left out. */
  readonly clock?: Clock | undefined;
}

/** One call with what goes wrong in it. */
export interface Faulted {
  readonly fault: Fault;
  /** Wraps an opened read: its faults, and its place in the ledger. */
  readonly content: (content: Content | undefined) => Content | undefined;
  /** Wraps the body of a put. */
  readonly body: (body: Body) => Body;
}

/** What both fault layers are made of. */
export interface FaultLayer {
  readonly ledger: Ledger;
  /** Meets the faults of one call around asking for its answer. */
  run<T>(call: LayerCall, ask: (faulted: Faulted) => Promise<T>): Promise<T>;
  /** Meets the faults of one list. */
  items<T>(call: LayerCall, ask: () => AsyncIterable<T>): AsyncGenerator<T, void, void>;
  /** Ends all that stalls. */
  dispose(): void;
}

export interface LayerCall {
  readonly operation: FaultOperation;
  readonly subject: string;
  readonly options: CallOptions;
  /** Where a range was asked. */
  readonly range?: ByteRange | undefined;
}

export function faultLayer(
  source: string,
  script: FaultScript,
  { clock = systemClock }: FaultOptions = {},
): FaultLayer {
  const ledger = openLedger();
  const disposal = new AbortController();

  const errorOf = (code: ErrorCode | StoreError, { operation, subject }: LayerCall): StoreError =>
    isStoreError(code)
      ? code
      : new StoreError({ code, operation, subject, source, message: "fault by script" });

  const stalled = (call: LayerCall): Promise<never> =>
    new Promise((_, reject) => {
      const { signal } = call.options;
      const onAbort = (): void => {
        if (signal !== undefined) reject(abortedError(call.operation, signal, call.subject));
      };
      if (signal?.aborted === true) onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      const onDispose = (): void => reject(errorOf("UNAVAILABLE", call));
      if (disposal.signal.aborted) onDispose();
      disposal.signal.addEventListener("abort", onDispose, { once: true });
    });

  async function wait(
    { delayMs }: Fault,
    { operation, subject, options }: LayerCall,
  ): Promise<void> {
    if (delayMs !== undefined) {
      // An abort ends the wait, and is thrown below.
      await sleep(clock, delayMs, options.signal).catch(() => undefined);
    }
    throwIfAborted(options.signal, operation, subject);
  }

  /** Meets what comes instead of an answer: the silence, the refusal. */
  async function refuse(fault: Fault, call: LayerCall): Promise<void> {
    if (fault.stall === true) await stalled(call);
    if (fault.fail !== undefined) throw errorOf(fault.fail, call);
  }

  function faulted(fault: Fault, call: LayerCall): Faulted {
    const { operation, subject } = call;
    const context = (start: number, count: (bytes: number) => void): StreamContext => ({
      operation,
      source,
      subject,
      start,
      stall: () => stalled(call),
      count,
    });
    return {
      fault,
      content: (content) => {
        if (content === undefined) return undefined;
        ledger.opened();
        const { size, range } = claimed(content, fault, call.range);
        return contentOfStream(
          { ...content, size, range },
          () => faultyStream(content.body, fault.body, context(content.range.start, ledger.read)),
          async () => {
            ledger.released();
            await content[Symbol.asyncDispose]();
          },
        );
      },
      body: (body) => {
        if (fault.body === undefined && body instanceof Uint8Array) {
          ledger.wrote(body.byteLength);
          return body;
        }
        return () => faultyStream(openBody(body), fault.body, context(0, ledger.wrote));
      },
    };
  }

  return {
    ledger,
    async run(call, ask) {
      const turn = ledger.call(call.operation, call.subject);
      try {
        const fault = script({ ...call, turn }) ?? {};
        await wait(fault, call);
        await refuse(fault, call);
        const answer = await ask(faulted(fault, call));
        if (fault.failAfter !== undefined) throw errorOf(fault.failAfter, call);
        return answer;
      } finally {
        ledger.answered();
      }
    },
    async *items(call, ask) {
      const turn = ledger.call(call.operation, call.subject);
      try {
        const fault = script({ ...call, turn }) ?? {};
        await wait(fault, call);
        const broken = fault.stall === true || fault.fail !== undefined;
        let left = broken ? (fault.items ?? 0) : Number.POSITIVE_INFINITY;
        if (fault.miss === true) return;
        if (left > 0) {
          for await (const item of ask()) {
            yield item;
            left -= 1;
            if (left <= 0) break;
          }
        }
        await refuse(fault, call);
      } finally {
        ledger.answered();
      }
    },
    dispose: () => disposal.abort(),
  };
}

/** What a read claims to be, truly or not. */
function claimed(
  { size, range }: Content,
  { sizeBy = 0, ignoreRange }: Fault,
  asked: ByteRange | undefined,
): { readonly size: number | undefined; readonly range: ByteRange } {
  if (size === undefined) return { size, range };
  const claim = size + sizeBy;
  const toEnd = range.end === size ? { start: range.start, end: claim } : range;
  if (ignoreRange !== "claims the range" || asked === undefined) {
    return { size: claim, range: toEnd };
  }
  return { size: claim, range: { start: asked.start, end: Math.min(asked.end ?? claim, claim) } };
}
