/** What an error of the SDK, the service or the connection says, without what must not be shown. */
export interface ServiceFailure {
  /** The service's or the system's own name of it; undefined where the answer had no body. */
  readonly code: string | undefined;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** One line of at most 200 characters. */
  readonly message: string;
  readonly requestId: string | undefined;
  /** Region that the service says the bucket is in. */
  readonly region: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** What the SDK calls an answer without a body: it stands for no code of the service. */
const namesOfNone = new Set(["", "Error", "NotFound", "Forbidden", "BadRequest", "Unknown"]);

/**
 * Reads any thrown value. The SDK's errors carry every element of the service's answer, among them
 * key ids, signatures and session tokens: only what is picked here goes further.
 */
export function readFailure(error: unknown): ServiceFailure {
  const fields = record(error);
  const metadata = record(fields["$metadata"]);
  const headers = record(record(fields["$response"])["headers"]);
  const status = numberOf(metadata["httpStatusCode"]);
  return {
    code: codeOf(fields, status),
    status,
    message: oneLine(stringOf(fields["message"]) ?? String(error)),
    requestId: stringOf(metadata["requestId"]),
    region: stringOf(headers["x-amz-bucket-region"]) ?? stringOf(fields["Region"]),
    retryAfterMs: retryAfterMs(headers),
  };
}

/** Makes the error that a StoreError names as its cause: `name` is the service's own code. */
export function causeOf(failure: ServiceFailure): Error {
  const cause = new Error(failure.message);
  cause.name = failure.code ?? "Unnamed";
  // The stack would be that of this function, and say nothing.
  cause.stack = `${cause.name}: ${failure.message}`;
  return Object.assign(cause, { status: failure.status, requestId: failure.requestId });
}

function codeOf(fields: Fields, status: number | undefined): string | undefined {
  // Errors of the system have a code and no status; those of the service the other way round.
  if (status === undefined) return stringOf(fields["code"]) ?? stringOf(fields["name"]);
  const name = stringOf(fields["Code"]) ?? stringOf(fields["name"]) ?? "";
  return namesOfNone.has(name) || /^\d*$|^UnknownError$/.test(name) ? undefined : name;
}

/** Seconds, or a date, which is read against the service's own clock. */
function retryAfterMs(headers: Fields): number | undefined {
  const text = stringOf(headers["retry-after"]);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const wait = Date.parse(text) - Date.parse(stringOf(headers["date"]) ?? "");
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
