import type { Attempt } from "./source.ts";

export type ErrorCode =
  | "NOT_FOUND"
  | "DIGEST_MISMATCH"
  | "INVALID_ARGUMENT"
  | "RANGE_NOT_SATISFIABLE"
  | "PRECONDITION_FAILED"
  | "TOO_LARGE"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "UNSUPPORTED"
  | "CONFIG_INVALID"
  | "RATE_LIMITED"
  | "UNAVAILABLE"
  | "TIMEOUT"
  | "INDETERMINATE"
  | "ARCHIVED"
  | "ABORTED"
  | "INTERNAL";

export interface ErrorRow {
  /** Status of an HTTP response that carries the error. */
  readonly http: number;
  /** Exit status of a command that ends with the error. */
  readonly exit: number;
  /** Whether the same call may succeed later. */
  readonly transient: boolean;
}

/**
 * Maps each error code to what the surfaces make of it: the HTTP status, the exit status of the
 * command line, and whether asking again may help. `docs/errors.md` is held against this table.
 */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  NOT_FOUND: { http: 404, exit: 3, transient: false },
  DIGEST_MISMATCH: { http: 422, exit: 4, transient: false },
  INVALID_ARGUMENT: { http: 400, exit: 2, transient: false },
  RANGE_NOT_SATISFIABLE: { http: 416, exit: 2, transient: false },
  PRECONDITION_FAILED: { http: 412, exit: 5, transient: false },
  TOO_LARGE: { http: 413, exit: 2, transient: false },
  UNAUTHENTICATED: { http: 401, exit: 6, transient: false },
  PERMISSION_DENIED: { http: 403, exit: 6, transient: false },
  UNSUPPORTED: { http: 405, exit: 2, transient: false },
  CONFIG_INVALID: { http: 500, exit: 2, transient: false },
  RATE_LIMITED: { http: 429, exit: 7, transient: true },
  UNAVAILABLE: { http: 503, exit: 7, transient: true },
  TIMEOUT: { http: 504, exit: 7, transient: true },
  INDETERMINATE: { http: 503, exit: 7, transient: false },
  ARCHIVED: { http: 409, exit: 7, transient: false },
  ABORTED: { http: 499, exit: 130, transient: false },
  INTERNAL: { http: 500, exit: 1, transient: false },
};

/**
 * Says how long a failure lasts: `permanent` (the same call fails again), `transient` (it may
 * succeed later) or `exhausted` (it was transient, and its one retry owner gave up).
 */
export type Persistence = "permanent" | "transient" | "exhausted";

export interface StoreErrorOptions {
  readonly code: ErrorCode;
  /** The verb that failed, such as `open` or `put`. */
  readonly operation: string;
  /** Name of the bucket, source or tier that failed; left out where the caller's input did. */
  readonly source?: string | undefined;
  /** What the operation was about: a digest, a key, a URL without secrets. */
  readonly subject?: string | undefined;
  /** What went wrong and what to do about it, in one clause. */
  readonly message: string;
  /** Defaults to what the table says of the code. */
  readonly persistence?: Persistence | undefined;
  /** Milliseconds that the service asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** The service's own word for the failure, such as `AccessDenied`. */
  readonly serviceCode?: string | undefined;
  /** What each tier said, where several were asked. */
  readonly attempts?: readonly Attempt[] | undefined;
  readonly cause?: unknown;
}

/**
 * Carries every failure of this project. Its message is one line: operation, subject, source,
 * what. Recognise it by `code` (see {@link isStoreError}), never by `instanceof`: two copies of
 * this package may be installed side by side.
 */
export class StoreError extends Error {
  readonly code: ErrorCode;
  readonly operation: string;
  readonly source: string | undefined;
  readonly subject: string | undefined;
  readonly persistence: Persistence;
  readonly retryAfterMs: number | undefined;
  readonly serviceCode: string | undefined;
  readonly attempts: readonly Attempt[] | undefined;
  /** The clause that was given, without operation, subject and source. */
  readonly detail: string;

  constructor(options: StoreErrorOptions) {
    const where = [options.subject, options.source].filter((part) => part !== undefined);
    const head = [options.operation, where.join(": ")].filter((part) => part !== "").join(" ");
    super(
      head === "" ? options.message : `${head}: ${options.message}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "StoreError";
    this.code = options.code;
    this.operation = options.operation;
    this.source = options.source;
    this.subject = options.subject;
    this.persistence =
      options.persistence ?? (errorTable[options.code].transient ? "transient" : "permanent");
    this.retryAfterMs = options.retryAfterMs;
    this.serviceCode = options.serviceCode;
    this.attempts = options.attempts;
    this.detail = options.message;
  }
}

/** Tells whether a value is a StoreError of any copy of this package, and of a code if given. */
export function isStoreError(value: unknown, code?: ErrorCode): value is StoreError {
  if (!(value instanceof Error) || !("code" in value) || !("persistence" in value)) return false;
  if (typeof value.code !== "string" || !Object.hasOwn(errorTable, value.code)) return false;
  return code === undefined || value.code === code;
}

/** Makes the error of a call whose signal was aborted. */
export function abortedError(operation: string, signal: AbortSignal, subject?: string): StoreError {
  const reason: unknown = signal.reason;
  if (isStoreError(reason)) return reason;
  return new StoreError({
    code: "ABORTED",
    operation,
    subject,
    message: "aborted by the caller",
    cause: reason,
  });
}

/** Throws ABORTED if the signal is aborted. */
export function throwIfAborted(
  signal: AbortSignal | undefined,
  operation: string,
  subject?: string,
): void {
  if (signal?.aborted) throw abortedError(operation, signal, subject);
}
