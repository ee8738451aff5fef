import type { Clock } from "@bitstore/core";
import type { Proofs } from "../proofs.ts";
import type { Transport } from "./transport.ts";

/** How long a server may take, and how often it is asked. */
export interface ClientLimits {
  /** Milliseconds that making a connection may take. */
  readonly connectMs: number;
  /** Milliseconds from the last byte that was sent to the answer's headers, of what reads. */
  readonly answerMs: number;
  /** The same of what writes: a put is acknowledged once the origin has it. */
  readonly writeAnswerMs: number;
  /** Milliseconds without a byte of an answer that is being read. */
  readonly stallMs: number;
  /** Milliseconds without an event or a sign of life of a watch, which then connects again. */
  readonly watchStallMs: number;
  readonly connectionsMax: number;
  /** Attempts of one request in all; 1 where a layer above repeats. */
  readonly attemptsMax: number;
  /** Milliseconds of the first pause at most; it doubles, and a random part of it is waited. */
  readonly pauseMs: number;
  /** Milliseconds of one pause at most; a server that wants longer is not waited for. */
  readonly pauseMsMax: number;
  /** Milliseconds after which no further attempt begins. */
  readonly deadlineMs: number;
}

export const clientLimitsDefault: ClientLimits = {
  connectMs: 5000,
  answerMs: 30_000,
  writeAnswerMs: 120_000,
  stallMs: 30_000,
  watchStallMs: 60_000,
  connectionsMax: 128,
  attemptsMax: 4,
  pauseMs: 100,
  pauseMsMax: 5000,
  deadlineMs: 30_000,
};

/** One server, as everything in this package asks it. */
export interface Api {
  /** `bitstore+https://host`, without secrets. */
  readonly name: string;
  /** Origin and base path, without a slash at the end. */
  readonly base: string;
  readonly transport: Transport;
  /** Resolves to the bearer token; undefined for none. It is asked for each request. */
  readonly token: () => Promise<string | undefined>;
  /** Headers of each request beside those that it has itself. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  readonly limits: ClientLimits;
  readonly proofs: Proofs;
}
