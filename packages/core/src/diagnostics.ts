import { channel } from "node:diagnostics_channel";
import type { Digest } from "./digest.ts";
import type { StoreError } from "./errors.ts";
import type { BreakerStatus } from "./layers/breaker.ts";
import type { Attempt } from "./source.ts";
import type { CopyProvenance } from "./store/copy-provenance.ts";

/** One tier's answer to one question of a composite, published on `bitstore:attempt`. */
export interface AttemptEvent {
  readonly composite: string;
  readonly digest: Digest;
  readonly operation: string;
  readonly attempt: Attempt;
}

/**
 * What one tier gave of a body that is read as it comes, published on `bitstore:stream` when it ends or
 * breaks off. The attempt is told before that, and says of such a body 0 bytes.
 */
export interface StreamEvent {
  readonly composite: string;
  readonly digest: Digest;
  readonly tier: string;
  readonly bytes: number;
}

/** The end of one copy into a cache tier, published on `bitstore:fill`. */
export interface FillEvent {
  readonly composite: string;
  readonly digest: Digest;
  readonly tier: string;
  readonly outcome: "filled" | "existed" | "failed" | "dropped";
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly error?: StoreError | undefined;
}

/** Something that a person should look at, published on `bitstore:alarm`. */
export interface AlarmEvent {
  readonly kind:
    | "corrupt-copy"
    | "copy-quarantined"
    | "copy-left"
    | "cache-unopened"
    | "upload-refused"
    | "pending-rotten"
    | "pending-lost"
    | "weak-digest-collision"
    | "weak-digest-unrecorded"
    | "tag-head-went-back";
  /** The digest or the tag that it is about; the directory of a cache. */
  readonly subject: string;
  readonly source: string;
  readonly error: unknown;
  /** Who gave the wrong bytes of a copy, and where they are kept. */
  readonly provenance?: CopyProvenance | undefined;
}

/**
 * A change of a store's breaker, published on `bitstore:breaker`: it opened, also again after a canary
 * that failed, let a canary pass (`half-open`), or closed.
 */
export interface BreakerEvent extends BreakerStatus {
  readonly source: string;
}

/** What became of a request that failed for a while, published on `bitstore:retry`. */
export interface RetryEvent {
  readonly source: string;
  readonly operation: string;
  /** `over-budget` is given up although it might have passed, to spare a service that is down. */
  readonly outcome: "retried" | "gave-up" | "over-budget";
  /** Attempts so far. */
  readonly count: number;
  /** Milliseconds until the next attempt, where there is one. */
  readonly pauseMs: number;
  readonly error: StoreError;
}

const alarms = channel("bitstore:alarm");
const attempts = channel("bitstore:attempt");
const breakers = channel("bitstore:breaker");
const fills = channel("bitstore:fill");
const retries = channel("bitstore:retry");
const streams = channel("bitstore:stream");

/** Tells whether anybody subscribes to attempts now, for who would make one for nobody. */
export function isAttemptHeard(): boolean {
  return attempts.hasSubscribers;
}

/** Publishes an attempt; costs nothing while nobody subscribes. */
export function publishAttempt(event: AttemptEvent): void {
  if (attempts.hasSubscribers) attempts.publish(event);
}

/** Tells whether anybody subscribes to streams now, for who would count for nobody. */
export function isStreamHeard(): boolean {
  return streams.hasSubscribers;
}

/** Publishes what a tier gave of a body, where that is anything. */
export function publishStream(event: StreamEvent): void {
  if (event.bytes > 0 && streams.hasSubscribers) streams.publish(event);
}

/** Publishes the end of a fill. */
export function publishFill(event: FillEvent): void {
  if (fills.hasSubscribers) fills.publish(event);
}

/** Publishes an alarm. */
export function publishAlarm(event: AlarmEvent): void {
  if (alarms.hasSubscribers) alarms.publish(event);
}

/** Publishes a change of a breaker. */
export function publishBreaker(event: BreakerEvent): void {
  if (breakers.hasSubscribers) breakers.publish(event);
}

/** Publishes what became of a request that failed for a while. */
export function publishRetry(event: RetryEvent): void {
  if (retries.hasSubscribers) retries.publish(event);
}
