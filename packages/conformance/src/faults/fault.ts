import type { ErrorCode, StoreError } from "@bitstore/core";

/** The operations of a bucket and of a store that faults can hit. */
export type FaultOperation =
  | "head"
  | "read"
  | "stat"
  | "open"
  | "put"
  | "delete"
  | "list"
  | "listPrefixes";

/** What goes wrong in a stream of bytes, a read's or a put's body's. */
export interface BodyFault {
  /** Offset in the whole object, so that a ranged read meets it where a whole one does. */
  readonly atByte: number;
  /**
   * `end` ends cleanly there, as a lying driver would; `flip` turns one bit of that byte over and
   * goes on; `stall` gives nothing more until the caller aborts; a code throws that error.
   */
  readonly effect: "end" | "flip" | "stall" | ErrorCode;
}

/** What goes wrong in one call. All that is given happens, in the order of these fields. */
export interface Fault {
  /** Waits first, on the layer's clock. */
  readonly delayMs?: number | undefined;
  /** Never answers: ends with ABORTED when the caller aborts, UNAVAILABLE when it is disposed. */
  readonly stall?: boolean | undefined;
  /** Rejects instead of asking; after `items` of a list. */
  readonly fail?: ErrorCode | StoreError | undefined;
  /** Of a list: yields so many before it fails or stalls. */
  readonly items?: number | undefined;
  /** Answers "not here" without asking. */
  readonly miss?: boolean | undefined;
  /** Answers the whole object where a range was asked, and claims one or the other. */
  readonly ignoreRange?: "claims the whole" | "claims the range" | undefined;
  /** Tells a size that is so many bytes too large, or too small. */
  readonly sizeBy?: number | undefined;
  readonly body?: BodyFault | undefined;
  /** Asks, lets it happen, and rejects: an answer that was lost on the way back. */
  readonly failAfter?: ErrorCode | StoreError | undefined;
}

/** One call, as a script sees it. */
export interface FaultCall {
  readonly operation: FaultOperation;
  /** The key, prefix or digest; empty for a put without a digest. */
  readonly subject: string;
  /** How often this operation was called, this call included. */
  readonly turn: number;
}

/** Decides what goes wrong in a call; undefined lets it pass. */
export type FaultScript = (call: FaultCall) => Fault | undefined;

/** Lets everything pass; the layer still counts. */
export const noFaults: FaultScript = () => undefined;

/**
 * Makes a script of lists: the first call of an operation meets the first fault of its list, and
 * calls after the last pass. A single fault hits every call.
 *
 * @example
 * faultyStore(store, inTurn({ open: [{ fail: "UNAVAILABLE" }, undefined, { miss: true }] }));
 */
export function inTurn(
  plan: Partial<Readonly<Record<FaultOperation, Fault | readonly (Fault | undefined)[]>>>,
): FaultScript {
  return ({ operation, turn }) => {
    const faults = plan[operation];
    return isList(faults) ? faults[turn - 1] : faults;
  };
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}
