import type { Clock } from "@bitstore/core";
import type { Principal } from "./principal.ts";

/** Who was let in, and by what. */
export interface Admission {
  readonly principal: Principal;
  /** Aborts when other rules hold than those that let it in. */
  readonly accessReplaced: AbortSignal;
  /** The wall clock, by which credentials end. */
  readonly date: () => Date;
  readonly clock: Clock;
}

/** Until the wall clock is looked at again: it may be set, and a machine may sleep. */
const lookMsMax = 60_000;

/**
 * Calls back once, when it is to be asked anew who calls: other rules hold, or the credentials have
 * ended; before it returns, where that is so already. Returns what stops the watch.
 */
export function onCredentialsEnd(
  { principal, accessReplaced, date, clock }: Admission,
  ended: () => void,
): () => void {
  const { expiresAtMs } = principal;
  let cancel = (): void => undefined;
  const stop = (): void => {
    cancel();
    accessReplaced.removeEventListener("abort", end);
  };
  function end(): void {
    stop();
    ended();
  }
  function look(): void {
    if (expiresAtMs === undefined) return;
    const leftMs = expiresAtMs - date().getTime();
    if (leftMs <= 0) end();
    else cancel = clock.after(Math.min(leftMs, lookMsMax), look);
  }
  if (accessReplaced.aborted) end();
  else {
    accessReplaced.addEventListener("abort", end, { once: true });
    look();
  }
  return stop;
}
