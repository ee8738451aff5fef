import {
  type CallOptions,
  type Clock,
  type Composite,
  type Digest,
  isStoreError,
  linkedAbort,
  StoreError,
  systemClock,
  type TagLog,
} from "@bitstore/core";
import type { TargetCheck } from "@bitstore/tags";

/** As long as a bulk fetch waits for a tier that is down. */
const settleMsDefault = 600_000;
/** A wait that is over sooner is none that a person would ask about. */
const noticeMs = 2000;

export interface SettleOptions {
  readonly clock?: Clock | undefined;
  /** How long a blob's upload is waited for, where the journal has it; ten minutes if left out. */
  readonly settleMs?: number | undefined;
  /** Is told of a blob that is waited for, once that takes two seconds. */
  readonly onWait?: ((digest: Digest) => void) | undefined;
}

/** What is asked of a composite. */
type SettlingStore = Pick<Composite, "settled" | "durable">;

/**
 * Waits until a blob is not on its way to the origin any more; at once without a journal. Rejects with
 * why it can't get there, unless the origin has it from before, and with UNAVAILABLE where it is still
 * on its way after `settleMs`.
 */
export async function untilSettled(
  store: SettlingStore,
  digest: Digest,
  { signal }: CallOptions,
  { clock = systemClock, settleMs = settleMsDefault, onWait }: SettleOptions = {},
): Promise<void> {
  const waiting = linkedAbort(signal);
  let isLate = false;
  const timers = [
    clock.after(noticeMs, () => onWait?.(digest)),
    clock.after(settleMs, () => {
      isLate = true;
      waiting.abort();
    }),
  ];
  try {
    await store.settled(digest, waiting.signal);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (isLate && isStoreError(error, "ABORTED")) throw stillPending(digest);
    if ((await store.durable(digest, { signal })) === undefined) throw error;
  } finally {
    for (const cancel of timers) cancel();
    waiting.release();
  }
}

/** Lets a blob that waits for its upload arrive before it is looked for at the origin. */
export function settledTargets(
  store: SettlingStore,
  check: TargetCheck,
  options: SettleOptions,
): TargetCheck {
  return async (digest, call) => {
    await untilSettled(store, digest, call, options);
    return await check(digest, call);
  };
}

/** Does the same for a log that looks for blobs by itself, on another machine. */
export function settledAppends(
  store: SettlingStore,
  log: TagLog,
  options: Omit<SettleOptions, "clock">,
): TagLog {
  return {
    ...log,
    async append(tag, digest, call = {}) {
      const { settleMs, onWait } = options;
      await untilSettled(store, digest, call, { settleMs, onWait });
      return await log.append(tag, digest, call);
    },
    [Symbol.asyncDispose]: async () => await log[Symbol.asyncDispose](),
  };
}

function stillPending(subject: Digest): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "tag",
    subject,
    message: "it is still on its way to the origin; tag it once it has arrived",
  });
}
