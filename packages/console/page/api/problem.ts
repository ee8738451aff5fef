/** What a server answers instead of what was asked for (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** A request that failed, as an error whose message is fit to be shown. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
    this.problem = problem;
  }
}

/** Reads the problem of an answer; what is no problem document is told by its status. */
export function problemOf(status: number, text: string): Problem {
  const fallback = { status, code: "INTERNAL", detail: `the server answered ${status}` };
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) return fallback;
    const code = "code" in parsed && typeof parsed.code === "string" ? parsed.code : fallback.code;
    const said = "detail" in parsed ? parsed.detail : "title" in parsed ? parsed.title : undefined;
    return { status, code, detail: typeof said === "string" ? tidy(said) : fallback.detail };
  } catch {
    return fallback;
  }
}

/** Drops the colon that a message begins with where nothing was named before it. */
function tidy(message: string): string {
  return message.replace(/^[\s:]+/, "");
}

/** Puts a code before what is said; the one or the other where there is no more. */
export function coded(code: string, message: string): string {
  return [code, tidy(message)].filter((part) => part !== "").join(": ");
}

/** Makes one line for a person of whatever was thrown. */
export function shown(error: unknown): string {
  if (error instanceof ApiError) return coded(error.problem.code, error.problem.detail);
  if (error instanceof TypeError) return "The server can't be reached.";
  return error instanceof Error ? error.message : String(error);
}
