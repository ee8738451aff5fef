import type { SimFailure } from "./weather.ts";

/** What goes wrong with the bytes of a read. */
export interface ScriptedBody {
  /** Where in the bytes that were asked for, from 0 to 1. */
  readonly atShare: number;
  /**
   * `end` ends cleanly there; `flip` turns one bit over and goes on; `reset` breaks off; `stall` gives
   * nothing more until the caller aborts; `extra` goes on past the end with bytes of its own.
   */
  readonly effect: "end" | "flip" | "reset" | "stall" | "extra";
}

/** What becomes of one request to a scripted bucket. All that is left out is fair. */
export interface ScriptedFate {
  /** Milliseconds until it takes effect. */
  readonly thereMs?: number | undefined;
  /** Milliseconds from there until it is answered. */
  readonly backMs?: number | undefined;
  /** What the caller is told instead of the answer. */
  readonly failure?: SimFailure | undefined;
  /** Says "not here" of an object that is there. */
  readonly denies?: boolean | undefined;
  /** What is told as failed, or never answered, takes effect all the same. Default: it does not. */
  readonly hasEffect?: boolean | undefined;
  /** No answer comes until the caller aborts. */
  readonly isSilent?: boolean | undefined;
  /** An abort stops what has not taken effect. Default: it goes on, as requests on the wire do. */
  readonly stopsOnAbort?: boolean | undefined;
  /** Bytes of a chunk, of a read or of an upload. */
  readonly chunkBytes?: number | undefined;
  /** Milliseconds of a chunk. */
  readonly chunkMs?: number | undefined;
  readonly body?: ScriptedBody | undefined;
  /** Tells a size that is so much too large or too small, or tells none. */
  readonly sizeBy?: number | "unknown" | undefined;
  /** Answers a range with the whole object, and says so: a 200 where a 206 was asked. */
  readonly ignoresRange?: boolean | undefined;
}

/** One request on its way, as its script sees it. */
export interface ScriptedCall {
  readonly operation: "head" | "read" | "put" | "delete" | "list";
  readonly key: string;
  readonly isRange: boolean;
  readonly timeMs: number;
}

/** Decides what becomes of each request to one bucket. */
export type Script = (call: ScriptedCall) => ScriptedFate;
