import type { FaultOperation } from "./fault.ts";

/** Counts what went through a fault layer: the oracle of tests for requests, bytes and leaks. */
export interface Ledger {
  /** Calls of an operation so far, or of all; those that failed by script count too. */
  readonly calls: (operation?: FaultOperation) => number;
  /** Subjects of the calls of an operation, in their order; the newest {@link subjectsMax}. */
  readonly subjects: (operation: FaultOperation) => readonly string[];
  /** Bytes that reads have handed out. */
  readonly bytesRead: number;
  /** Bytes that puts have taken from their bodies. */
  readonly bytesWritten: number;
  /** Reads that were opened and are neither read to their end, left, nor disposed. */
  readonly openReads: number;
  /** The most of them at any time. */
  readonly openReadsMost: number;
  /** Calls that were made and not answered yet. */
  readonly pending: number;
}

/** A ledger that is written to. */
export interface LedgerBook extends Ledger {
  /** Notes a call; returns which turn of its operation it is. */
  readonly call: (operation: FaultOperation, subject: string) => number;
  readonly answered: () => void;
  readonly opened: () => void;
  readonly released: () => void;
  readonly read: (bytes: number) => void;
  readonly wrote: (bytes: number) => void;
}

/** Subjects that are kept of each operation. */
export const subjectsMax: number = 10_000;

export function openLedger(): LedgerBook {
  const subjects = new Map<FaultOperation, string[]>();
  const turns = new Map<FaultOperation, number>();
  let bytesRead = 0;
  let bytesWritten = 0;
  let openReads = 0;
  let openReadsMost = 0;
  let pending = 0;
  return {
    calls: (operation) =>
      operation === undefined
        ? [...turns.values()].reduce((sum, count) => sum + count, 0)
        : (turns.get(operation) ?? 0),
    subjects: (operation) => subjects.get(operation) ?? [],
    get bytesRead() {
      return bytesRead;
    },
    get bytesWritten() {
      return bytesWritten;
    },
    get openReads() {
      return openReads;
    },
    get openReadsMost() {
      return openReadsMost;
    },
    get pending() {
      return pending;
    },
    call: (operation, subject) => {
      const turn = (turns.get(operation) ?? 0) + 1;
      turns.set(operation, turn);
      const kept = subjects.get(operation) ?? [];
      kept.push(subject);
      if (kept.length > subjectsMax) kept.shift();
      subjects.set(operation, kept);
      pending += 1;
      return turn;
    },
    answered: () => {
      pending -= 1;
    },
    opened: () => {
      openReads += 1;
      openReadsMost = Math.max(openReadsMost, openReads);
    },
    released: () => {
      openReads -= 1;
    },
    read: (bytes) => {
      bytesRead += bytes;
    },
    wrote: (bytes) => {
      bytesWritten += bytes;
    },
  };
}
