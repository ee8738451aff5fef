import type { S3Client } from "@aws-sdk/client-s3";
import { abortedError, orAborted, serviceClock, StoreError, throwIfAborted } from "@bitstore/core";
import { carrierOf } from "./carrier.ts";
import { clientPool, type Slot } from "./client-pool.ts";
import { meaningOf } from "./failure-meanings.ts";
import { unavailableName } from "./identities.ts";
import type { S3Settings } from "./s3-settings.ts";
import { readFailure, type ServiceFailure } from "./service-failure.ts";
import { toStoreError } from "./to-store-error.ts";

/** Options of one request, as the SDK takes them. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** Milliseconds without a byte that this request may take, where it is not the usual. */
  readonly requestTimeout?: number;
}

/** One question to the service. It may be sent several times, each time for somebody else. */
export interface Question<T> {
  readonly operation: string;
  readonly subject: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly send: (client: S3Client, options?: SendOptions) => Promise<T>;
  /** Asks the same so that a failure has a name: the answer to a HEAD has no body to hold one. */
  readonly name?: ((client: S3Client, options?: SendOptions) => Promise<unknown>) | undefined;
}

/** Asks one bucket, as whoever of the credentials the service knows. */
export interface S3Session {
  /** Resolves to the answer; rejects with a StoreError. */
  ask<T>(question: Question<T>): Promise<T>;
  /** Whether the bucket is known to exist: it answered, not long ago. */
  bucketWasSeen(): boolean;
  sawBucket(): void;
  /** The time by the service's clock, as far as it has told. */
  serviceTime(): Date | undefined;
  dispose(): void;
}

export function s3Session(settings: S3Settings): S3Session {
  const { name, clock } = settings;
  const { requestHandler, destroy } = carrierOf(settings);
  const time = serviceClock(clock);
  const pool = clientPool(settings, requestHandler, time);
  let seenAtMs: number | undefined;
  const sawBucket = (): void => {
    seenAtMs = clock.now();
  };

  /** Decides what follows from a failure: undefined to ask again, or the error to reject with. */
  async function afterFailure<T>(
    error: unknown,
    question: Question<T>,
    slot: Slot,
    refusals: string[],
  ): Promise<StoreError | undefined> {
    const { operation, subject, signal } = question;
    const context = { source: name, subject, signal };
    if (signal?.aborted) return abortedError(operation, signal, subject);
    const named = await nameFailure(error, question, slot);
    const failure = readFailure(named);
    if (adoptable(settings, slot, failure)) {
      pool.adopt(slot, failure.region ?? "");
      return undefined;
    }
    if (meaningOf(failure).code === "UNAUTHENTICATED") {
      seenAtMs = undefined;
      refusals.push(`${slot.identity.label}: ${failure.code ?? failure.status}`);
      // Bounded by twice the candidates, so that requests side by side can't keep each other going.
      const more = pool.refused(slot, failure.code !== unavailableName);
      if (more && refusals.length <= 2 * settings.credentials.length) return undefined;
      return refused(toStoreError(named, operation, context), refusals, settings);
    }
    pool.accepted(slot);
    if (failure.code === "NoSuchKey") sawBucket();
    return toStoreError(named, operation, context);
  }

  /** A failure without a name is asked for it, unless all that it can mean is a miss. */
  async function nameFailure<T>(
    error: unknown,
    question: Question<T>,
    slot: Slot,
  ): Promise<unknown> {
    const { code, status } = readFailure(error);
    if (question.name === undefined || code !== undefined || status === undefined) return error;
    if (status >= 500 || (status === 404 && bucketWasSeen())) return error;
    try {
      await question.name(slot.client, sendOptions(question.signal));
      return error;
    } catch (named) {
      return readFailure(named).code === undefined ? error : named;
    }
  }

  function bucketWasSeen(): boolean {
    return seenAtMs !== undefined && clock.now() - seenAtMs < settings.bucketSeenMs;
  }

  return {
    async ask(question) {
      const { operation, subject, signal } = question;
      throwIfAborted(signal, operation, subject);
      const refusals: string[] = [];
      for (;;) {
        const slot = pool.current();
        try {
          const sending = question.send(slot.client, sendOptions(signal));
          const answer = await orAborted(sending, signal, operation, subject);
          pool.accepted(slot);
          sawBucket();
          return answer;
        } catch (error) {
          const failed = await afterFailure(error, question, slot, refusals);
          if (failed !== undefined) throw failed;
        }
      }
    },
    bucketWasSeen,
    sawBucket,
    serviceTime: time.now,
    dispose: destroy,
  };
}

/** Without options the SDK takes its stack of middleware from a cache, which halves its cost. */
function sendOptions(signal: AbortSignal | undefined): SendOptions | undefined {
  return signal === undefined ? undefined : { abortSignal: signal };
}

/** A region that was configured is not second-guessed: the error names the right one. */
function adoptable(settings: S3Settings, slot: Slot, failure: ServiceFailure): boolean {
  if (settings.region !== undefined || slot.region !== undefined) return false;
  if (failure.region === undefined) return false;
  return meaningOf(failure).code === "CONFIG_INVALID" || failure.status === 400;
}

function refused(last: StoreError, refusals: readonly string[], settings: S3Settings): StoreError {
  if (settings.credentials.length === 1) return last;
  const { operation, subject, cause } = last;
  return new StoreError({
    code: "UNAUTHENTICATED",
    operation,
    source: settings.name,
    subject,
    message: `no credentials were accepted (${refusals.join(", ")}); correct or renew one of them`,
    cause,
  });
}
