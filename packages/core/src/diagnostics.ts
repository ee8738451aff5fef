import { channel } from "node:diagnostics_channel";
import type { Digest } from "./digest.ts";
import type { StoreError } from "./errors.ts";
import type { Attempt } from "./source.ts";

/** One tier's answer to one question of a composite, published on `bitstore:attempt`. */
export interface AttemptEvent {
  readonly composite: string;
  readonly digest: Digest;
  readonly operation: string;
  readonly attempt: Attempt;
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
    | "upload-refused"
    | "pending-rotten"
    | "pending-lost"
    | "weak-digest-collision"
    | "weak-digest-unrecorded"
    | "tag-head-went-back";
  /** The digest or the tag that it is about. */
  readonly subject: string;
  readonly source: string;
  readonly error: unknown;
}

const alarms = channel("bitstore:alarm");
const attempts = channel("bitstore:attempt");
const fills = channel("bitstore:fill");

/** Publishes an attempt; costs nothing while nobody subscribes. */
export function publishAttempt(event: AttemptEvent): void {
  if (attempts.hasSubscribers) attempts.publish(event);
}

/** Publishes the end of a fill. */
export function publishFill(event: FillEvent): void {
  if (fills.hasSubscribers) fills.publish(event);
}

/** Publishes an alarm. */
export function publishAlarm(event: AlarmEvent): void {
  if (alarms.hasSubscribers) alarms.publish(event);
}
