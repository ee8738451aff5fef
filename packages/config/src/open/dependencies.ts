import type { Proofs } from "@bitstore/client";
import type { Clock } from "@bitstore/core";
import type { Environment } from "../file/expand.ts";

/** What opened stores take from outside. */
export interface OpenDependencies {
  /** Where the drivers look up endpoints, proxies and credentials, and we look up `env:NAME`. */
  readonly env: Environment;
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1, for the pauses between attempts. */
  readonly random?: (() => number) | undefined;
  /** Receipts of other bitstores; of one config in memory if left out. */
  readonly proofs?: ProofsOf | undefined;
}

/** A server, and who asks it: what receipts are given to. */
export interface ServerCaller {
  readonly url: string;
  /** The token, or what its header says; undefined for none. It is a secret. */
  readonly token: string | undefined;
}

/** Finds what is remembered of a caller; `inMemory` makes what ends with the process. */
export type ProofsOf = (caller: ServerCaller, inMemory: () => Proofs) => Proofs;

/** Makes one memory for each caller, so that what puts and what tags know the same. */
export function sharedProofs(make: ProofsOf = (_caller, inMemory) => inMemory()): ProofsOf {
  const known = new Map<string, Proofs>();
  return (caller, inMemory) => {
    const key = JSON.stringify([caller.url, caller.token]);
    const proofs = known.get(key) ?? make(caller, inMemory);
    known.set(key, proofs);
    return proofs;
  };
}
