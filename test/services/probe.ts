import { setTimeout as sleep } from "node:timers/promises";

const intervalMs = 50;
const requestMs = 2_000;

/** What to ask, until when. */
export interface Probe {
  readonly url: string;
  readonly isReady: (status: number) => boolean;
  readonly waitMsMax: number;
  /** Says that waiting has become pointless, and why: the process has ended. */
  readonly hopeless?: () => string | undefined;
}

/** Resolves to `undefined` when the URL answers as it should, else to why it does not. */
export async function waitUntilReady(probe: Probe): Promise<string | undefined> {
  const deadline = Date.now() + probe.waitMsMax;
  for (;;) {
    const hopeless = probe.hopeless?.();
    if (hopeless !== undefined) return hopeless;
    const answer = await ask(probe);
    // Asked again, since a stranger on the same port may have answered for a dead process.
    if (answer === undefined) return probe.hopeless?.();
    if (Date.now() >= deadline) return `not ready after ${probe.waitMsMax} ms: ${answer}`;
    await sleep(intervalMs);
  }
}

async function ask({ url, isReady }: Probe): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(requestMs),
    });
    await response.body?.cancel();
    return isReady(response.status) ? undefined : `GET ${url} answers ${response.status}`;
  } catch (error) {
    // fetch says "fetch failed", and keeps what happened in the cause.
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return `GET ${url}: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`;
  }
}
