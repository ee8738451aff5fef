import type { IncomingMessage, ServerResponse } from "node:http";
import { abortedError, type Clock, type StoreError } from "@bitstore/core";
import type { Principal } from "../access/principal.ts";
import type { Receipts } from "../access/receipts.ts";
import type { ByteBudget } from "../limits/byte-budget.ts";
import type { ServerLimits } from "../server-limits.ts";
import type { OpenedWorkspace } from "./workspaces.ts";

/** One request and the answer to it, as a route sees them. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** In every answer and every line of the log. */
  readonly requestId: string;
  readonly principal: Principal;
  /** Who is counted (`clientKey`). */
  readonly client: string;
  /** Whether callers are asked who they are, so that no shared cache may keep the answer. */
  readonly isPrivate: boolean;
  /** Proofs that confined principals tag by. */
  readonly receipts: Receipts;
  /** Parameters of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Without the question mark. */
  readonly search: string;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  /** The wall clock, by which credentials end. */
  readonly date: () => Date;
  /** Bytes of lists that are held for all requests. */
  readonly lists: ByteBudget;
  /** Resolves once all that came in this turn of the event loop was read. */
  endOfTurn(): Promise<void>;
  /** Lets an archive begin, or throws RATE_LIMITED; returns what is to be called once it has ended. */
  enterArchive(): () => void;
  /** Resolves to what the caller's namespace has; what is written into it is audited. */
  workspace(): Promise<OpenedWorkspace>;
  /** Returns what aborts when the client has gone, or the server cuts it off; made when first wanted. */
  signal(): AbortSignal;
  /** Aborts when the server begins to end: who could go on for ever stops. */
  readonly closing: AbortSignal;
  /** Aborts when other rules hold than those by which it was asked who calls. */
  readonly accessReplaced: AbortSignal;
}

/** Makes the signal of one exchange; it listens only once it is wanted. */
export function exchangeSignal(outgoing: ServerResponse, cutOff: AbortSignal): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller !== undefined) return controller.signal;
    const made = new AbortController();
    controller = made;
    const gone = (): StoreError =>
      abortedError("serve", AbortSignal.abort(new Error("the client has gone")));
    const onCutOff = (): void => made.abort(cutOff.reason);
    if (outgoing.destroyed) made.abort(gone());
    if (cutOff.aborted) onCutOff();
    cutOff.addEventListener("abort", onCutOff, { once: true });
    outgoing.once("close", () => {
      cutOff.removeEventListener("abort", onCutOff);
      if (!outgoing.writableFinished) made.abort(gone());
    });
    return made.signal;
  };
}
