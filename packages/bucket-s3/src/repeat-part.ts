import { abortedError, isStoreError, sleep, type StoreError } from "@bitstore/core";
import type { S3Settings } from "./s3-settings.ts";

const firstWaitMs = 200;
const waitMsMax = 10_000;

/** Milliseconds: where the service wants to be left alone for longer, the put fails at once. */
const retryAfterMsMax = 60_000;

type Attempts = Pick<S3Settings, "partAttemptsMax" | "clock" | "random">;

/**
 * Asks again where a failure is transient, up to `partAttemptsMax` times: for a part of an upload,
 * and for what ends an upload, which nobody above could repeat without sending everything again.
 */
export async function attempt<T>(
  attemptsOf: Attempts,
  signal: AbortSignal | undefined,
  subject: string,
  ask: () => Promise<T>,
): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isStoreError(error) || error.persistence !== "transient") throw error;
      if (attempts >= attemptsOf.partAttemptsMax) throw error;
      if ((error.retryAfterMs ?? 0) > retryAfterMsMax) throw error;
      await pause(attemptsOf, attempts, error, signal, subject);
    }
  }
}

/**
 * Waits after so many attempts have failed: twice as long each time, spread, and never shorter than
 * the service wants. Rejects with ABORTED as soon as the signal does.
 */
export async function pause(
  { clock, random }: Attempts,
  attempts: number,
  error: StoreError,
  signal: AbortSignal | undefined,
  subject: string,
): Promise<void> {
  const longestMs = Math.min(waitMsMax, firstWaitMs * 2 ** (attempts - 1));
  const waitMs = Math.max(error.retryAfterMs ?? 0, longestMs * (0.5 + random() / 2));
  try {
    await sleep(clock, waitMs, signal);
  } catch (reason) {
    throw signal === undefined ? reason : abortedError("put", signal, subject);
  }
}
