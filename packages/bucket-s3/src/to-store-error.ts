import { abortedError, type ErrorCode, isStoreError, StoreError } from "@bitstore/core";
import { meaningOf } from "./failure-meanings.ts";
import { causeOf, readFailure, type ServiceFailure } from "./service-failure.ts";

/** What an error was about. */
export interface ErrorContext {
  /** Name of the bucket. */
  readonly source?: string | undefined;
  /** The key or prefix. */
  readonly subject?: string | undefined;
  /** The caller's signal: where it is aborted, that is what is reported. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Maps an error of the SDK, of the service or of the connection to a StoreError. A StoreError is
 * handed back as it is. `serviceCode` is the service's own word, so that a layer above can tell
 * `AccessDenied` from the rest of PERMISSION_DENIED; it is undefined where the answer had no body
 * to say it in. The `cause` is an Error of that name, with `status` and `requestId`. Nothing else
 * of the SDK's error is kept, since it holds key ids, signatures and session tokens.
 *
 * Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function toStoreError(
  error: unknown,
  operation: string,
  context: ErrorContext = {},
): StoreError {
  const { source, subject, signal } = context;
  if (signal?.aborted) return abortedError(operation, signal, subject);
  if (isStoreError(error)) return error;
  const failure = readFailure(error);
  const meaning = meaningOf(failure);
  return new StoreError({
    code: meaning.code,
    operation,
    source,
    subject,
    message: messageOf(failure, hintOf(failure, meaning.code) ?? meaning.hint),
    persistence: meaning.persistence,
    retryAfterMs: failure.retryAfterMs,
    serviceCode: failure.code,
    cause: causeOf(failure),
  });
}

function messageOf(failure: ServiceFailure, hint: string | undefined): string {
  const name = failure.code ?? "no error code";
  const status = failure.status === undefined ? "" : ` (${failure.status})`;
  // The SDK says UnknownError of an answer without a body, which adds nothing.
  const said = failure.message === "UnknownError" ? "" : `: ${failure.message}`;
  return `${name}${status}${said}${hint === undefined ? "" : `; ${hint}`}`;
}

function hintOf(failure: ServiceFailure, code: ErrorCode): string | undefined {
  if (code !== "CONFIG_INVALID" || failure.region === undefined) return undefined;
  const { region } = failure;
  return `the bucket is in region ${region} (x-amz-bucket-region): set region=${region}`;
}
