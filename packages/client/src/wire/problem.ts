import {
  collect,
  type ErrorCode,
  errorTable,
  isStoreError,
  type Persistence,
  StoreError,
} from "@bitstore/core";
import type { Answer } from "./ask.ts";
import { parseAttempts } from "./parse-attempts.ts";

/** Bytes of a problem that are read; one that lists the attempts of many tiers is far below. */
const problemBytesMax = 2 ** 20;

const problemType = "application/problem+json";

/** Tells whether an answer is a bitstore's own refusal, rather than that of something before it. */
export function isProblem(answer: Answer): boolean {
  return answer.header("content-type")?.startsWith(problemType) === true;
}

/** A refusal, and what a bitstore said besides: `current` and `retry` of tags. */
export interface Refusal {
  readonly error: StoreError;
  /** The problem as it came; undefined where it was no bitstore that refused. */
  readonly problem: Readonly<Record<string, unknown>> | undefined;
}

/** Reads a refusal back into the error that it was; always resolves to one. */
export async function problemError(answer: Answer): Promise<StoreError> {
  return (await readRefusal(answer)).error;
}

/**
 * Reads a refusal (RFC 9457): its error is known by its `code`, where a bitstore wrote it, and by its
 * status, where a proxy or another server did.
 */
export async function readRefusal(answer: Answer): Promise<Refusal> {
  const { asked, status } = answer;
  const problem = isProblem(answer) ? await readProblem(answer) : undefined;
  if (problem === undefined) await answer.drain();
  const { operation, subject, source } = asked;
  const code = codeOf(problem) ?? statusCodes.get(status);
  const detail = textOf(problem?.["detail"]) ?? textOf(problem?.["title"]);
  const error = new StoreError({
    code: code ?? (status >= 500 ? "UNAVAILABLE" : "INTERNAL"),
    operation,
    subject,
    source,
    message: detail === undefined ? explained(answer) : bare(detail, asked),
    persistence: persistenceOf(problem),
    retryAfterMs: retryAfterOf(answer, problem),
    serviceCode: textOf(problem?.["code"]),
    attempts: problem?.["attempts"] === undefined ? undefined : attemptsOf(problem, source),
  });
  return { error, problem };
}

/** Statuses by the code that they stand for; of several codes the one that is not about writes. */
const statusCodes: ReadonlyMap<number, ErrorCode> = new Map(
  (Object.keys(errorTable) as ErrorCode[])
    .filter((code) => code !== "INDETERMINATE" && code !== "CONFIG_INVALID")
    .map((code) => [errorTable[code].http, code]),
);

async function readProblem(answer: Answer): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const bytes = await collect(answer.chunks(), problemBytesMax);
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    return Object.fromEntries(Object.entries(parsed));
  } catch (error) {
    if (isStoreError(error, "ABORTED")) throw error;
    return undefined;
  }
}

function codeOf(problem: Readonly<Record<string, unknown>> | undefined): ErrorCode | undefined {
  const code = problem?.["code"];
  if (typeof code !== "string" || !Object.hasOwn(errorTable, code)) return undefined;
  return code as ErrorCode;
}

/** A server that gave up after its own attempts may still be asked again by us: it is its word. */
function persistenceOf(
  problem: Readonly<Record<string, unknown>> | undefined,
): Persistence | undefined {
  return problem?.["persistence"] === "permanent" ? "permanent" : undefined;
}

function retryAfterOf(
  answer: Answer,
  problem: Readonly<Record<string, unknown>> | undefined,
): number | undefined {
  const said = problem?.["retryAfterMs"];
  if (typeof said === "number" && Number.isFinite(said) && said >= 0) return said;
  const header = answer.header("retry-after")?.trim() ?? "";
  return /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

function attemptsOf(
  problem: Readonly<Record<string, unknown>>,
  source: string,
): ReturnType<typeof parseAttempts> | undefined {
  try {
    return parseAttempts(problem["attempts"], source);
  } catch {
    // The error is what matters; what led to it is only told where it can be read.
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  // A message is one line, whatever the server writes.
  return value.slice(0, 2000).replace(/[\p{Cc}\u2028\u2029]/gu, " ");
}

/** Leaves out the words that this error begins with itself: the verb and what it was about. */
function bare(detail: string, { operation, subject }: Answer["asked"]): string {
  const head = `${operation} ${subject}: `;
  return detail.startsWith(head) ? detail.slice(head.length) : detail;
}

function explained(answer: Answer): string {
  const { status } = answer;
  if (status >= 300 && status < 400) {
    return `the server redirects (${status}), which is not followed; configure the place itself`;
  }
  if (isProblem(answer) || status >= 500) return `the server answered ${status}`;
  if (status === 404) return "there is no bitstore at that address (404 without its own words)";
  return `the server answered ${status}`;
}
