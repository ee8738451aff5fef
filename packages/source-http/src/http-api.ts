import type { Digest, StoreError } from "@bitstore/core";
import type { Asking } from "./ask.ts";
import type { Exchange, RequestUrl } from "./exchange.ts";
import type { HttpSourceSettings } from "./http-source-options.ts";
import { statusError } from "./status-error.ts";
import type { StatusFailure } from "./status-table.ts";
import type { Asked } from "./transport-error.ts";

/** One API, as its operations see it. */
export interface HttpApi {
  readonly source: string;
  readonly asking: Asking;
  readonly settings: HttpSourceSettings;
  url(digest: Digest): RequestUrl;
}

/** Headers of every request: bytes as they are, since digests name those. */
export const commonHeaders: Readonly<Record<string, string>> = {
  accept: "*/*",
  "accept-encoding": "identity",
  "user-agent": "bitstore",
};

/** Makes the error of an answer that is a failure, and holds the source if the API asks for it. */
export function failedAnswer(
  { asking, settings }: HttpApi,
  answer: Exchange,
  failure: StatusFailure,
  asked: Asked,
): StoreError {
  const error = statusError(answer, failure, asked, settings.epochMs);
  const isBusy = answer.status === 429 || answer.status === 503;
  if (isBusy && error.retryAfterMs !== undefined) asking.limits.pause(error.retryAfterMs);
  return error;
}
