import { StoreError } from "@bitstore/core";
import type { Exchange } from "./exchange.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { StatusFailure } from "./status-table.ts";
import type { Asked } from "./transport-error.ts";

/** Makes the error of an answer that is a failure, with the time that the API asked us to wait. */
export function statusError(
  answer: Pick<Exchange, "status" | "header">,
  { code, message, persistence }: StatusFailure,
  { operation, subject, source }: Asked,
  epochMs: () => number,
): StoreError {
  return new StoreError({
    code,
    operation,
    subject,
    source,
    message: `${message} (${answer.status})`,
    persistence,
    retryAfterMs: retryAfterMs(answer.header("retry-after"), answer.header("date"), epochMs),
  });
}
