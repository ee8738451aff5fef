import { expect } from "vitest";
import type { ObservedBody } from "./bodies.ts";
import { expectCode, promptly } from "./expectations.ts";

/** Milliseconds after which a put that waits for its body is believed to wait. */
const deviationMs = 60;

/** Expects that a put is aborted; one that waits for its body may see that it is short first. */
export function expectAborted(putting: Promise<unknown>, waits: boolean): Promise<Error> {
  return waits
    ? expectCode(putting, "ABORTED", "INVALID_ARGUMENT", "DIGEST_MISMATCH")
    : expectCode(putting, "ABORTED");
}

/**
 * Expects that a put whose body hangs ends promptly after its abort, or, of a driver that is known
 * to deviate, that it ends only once the body goes on.
 */
export async function expectSettles(
  outcome: Promise<unknown>,
  body: ObservedBody,
  waits: boolean,
): Promise<void> {
  if (waits) {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    outcome.then(settle, settle);
    await new Promise((resolve) => setTimeout(resolve, deviationMs));
    expect(settled, "the deviation is gone: take it off the list").toBe(false);
    body.release();
  }
  try {
    await promptly("the aborted put", outcome);
  } finally {
    body.release();
  }
}
