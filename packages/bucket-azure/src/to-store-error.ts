import { isStoreError, StoreError } from "@bitstore/core";
import { redact } from "./redact.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type Verdict, verdictByServiceCode, verdictByStatus } from "./service-answers.ts";
import { verdictByTransportCode } from "./transport-failures.ts";

/** What an error of the SDK tells, whatever way it tells it. */
interface Facts {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  /** The service's, the socket's or the SDK's. */
  readonly code: string | undefined;
  readonly header: (name: string) => string | undefined;
}

/** What a StoreError of this package has as its cause: the facts, without request and secrets. */
export interface PlainCause {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** What the service's operators find the request by. */
  readonly requestId: string | undefined;
}

/**
 * Turns what the service, a credential, the socket or the SDK said into a StoreError. It is pure.
 * Answers without a body, as to HEAD, are told by the header `x-ms-error-code`. The SDK's error
 * carries the request with its SAS and Authorization, so the cause is a {@link PlainCause}.
 */
export function toStoreError(
  error: unknown,
  operation: string,
  source?: string,
  subject?: string,
): StoreError {
  if (isStoreError(error)) return error;
  const facts = factsOf(error);
  const verdict = verdictOf(facts);
  return new StoreError({
    ...verdict,
    message: facts.status === undefined ? verdict.message : `${verdict.message} (${codeOf(facts)})`,
    operation,
    source,
    subject,
    retryAfterMs: retryAfterMs(facts.header),
    serviceCode: facts.status === undefined ? undefined : facts.code,
    cause: causeOf(facts),
  });
}

/** Tells the date of the answer that an error was made of, as its header has it. */
export function dateOfFailure(error: unknown): string | undefined {
  return factsOf(error).header("date");
}

/** Tells the code of the service, the socket or the SDK that an error was made of. */
export function causeCode(error: StoreError): string | undefined {
  const code = field(error.cause, "code");
  return typeof code === "string" ? code : undefined;
}

function verdictOf(facts: Facts): Verdict {
  const { status, code } = facts;
  if (status !== undefined) {
    const known = code === undefined ? undefined : verdictByServiceCode[code];
    if (known !== undefined) return known;
    // The SDK lost the answer half-way, or could not parse it, after a good status.
    if (status < 300) return { code: "UNAVAILABLE", message: "the answer broke off" };
    return verdictByStatus(status);
  }
  if (facts.name === "AbortError") return { code: "ABORTED", message: "aborted" };
  return credentialVerdict(facts) ?? transportVerdict(facts) ?? internal;
}

const internal: Verdict = { code: "INTERNAL", message: "failed in a way that is not known" };

/** Names of the errors of `@azure/identity`, which are told by name across versions. */
const credentialErrors: ReadonlySet<string> = new Set([
  "CredentialUnavailableError",
  "AuthenticationError",
  "AuthenticationRequiredError",
  "AggregateAuthenticationError",
]);

function credentialVerdict({ name, message }: Facts): Verdict | undefined {
  if (credentialErrors.has(name)) {
    return { code: "UNAUTHENTICATED", message: `no token could be had: ${redact(message)}` };
  }
  if (message.includes("non-TLS protected")) {
    return { code: "UNAUTHENTICATED", message: "tokens are sent over https only" };
  }
  return undefined;
}

function transportVerdict({ code, message }: Facts): Verdict | undefined {
  if (code !== undefined) return verdictByTransportCode(code);
  // What the SDK says of an answer that lacks a header that it needs.
  if (/valid (?:content length|etag) header/.test(message)) {
    return { code: "UNAVAILABLE", message: "the answer lacks its length or entity tag" };
  }
  return undefined;
}

function codeOf({ status, code }: Facts): string {
  return [status, code].filter((part) => part !== undefined).join(" ");
}

function causeOf(facts: Facts): PlainCause {
  const { name, status, code } = facts;
  const requestId = facts.header("x-ms-request-id");
  return { name, message: redact(facts.message), status, code, requestId };
}

function factsOf(error: unknown): Facts {
  const response = field(error, "response");
  const headers = field(response, "headers");
  const header = (name: string): string | undefined => headerOf(headers, name);
  const status = field(error, "statusCode") ?? field(response, "status");
  const given = field(error, "code");
  return {
    name: error instanceof Error ? error.name : typeof error,
    message: error instanceof Error ? error.message : String(error),
    status: typeof status === "number" ? status : undefined,
    code: header("x-ms-error-code") ?? (typeof given === "string" ? given : undefined),
    header,
  };
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (!hasGet(headers)) return undefined;
  const value = headers.get(name);
  return typeof value === "string" ? value : undefined;
}

function hasGet(value: unknown): value is { get(name: string): unknown } {
  return typeof field(value, "get") === "function";
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Reflect.get(value, name);
}
