import type { StoreError } from "@bitstore/core";
import { configProblems, formatProblem, redactUrl } from "@bitstore/config";
import { painter } from "./colors.ts";
import { errorRecord } from "./error-record.ts";
import { escapeControls } from "./escape-controls.ts";
import { adviceFor } from "./advice.ts";
import { messageOf } from "./hinted.ts";
import type { Io } from "./io.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** Where an error is printed, and how. */
export interface ErrorSurroundings {
  readonly io: Io;
  readonly output: Output;
  readonly settings: Settings;
}

/** Causes below an error that are shown; a chain that is longer repeats itself. */
const causesMax = 8;
const causeCharsMax = 500;

/**
 * Prints an error to stderr: `bitstore: ` and its one line, a `hint:` where there is advice, and with
 * `--verbose` its causes. With `--json` it is one line `{"error":{…}}`. The `item` that failed is
 * named where the error does not name it.
 */
export function printError(
  error: StoreError,
  item: string | undefined,
  { io, output, settings }: ErrorSurroundings,
): void {
  const paint = painter(io.stderr, io.env);
  const advice = adviceFor(error);
  const causes = settings.verbose ? causesOf(error) : [];
  const problems = configProblems(error).map(formatProblem);
  const about = item === undefined || error.subject === item ? "" : `${item}: `;
  const lines = problems.length > 1 ? problems : [about + messageOf(error)];
  output.aside(
    {
      error: {
        ...errorRecord(error),
        ...(item === undefined ? {} : { item }),
        ...(advice === undefined ? {} : { hint: advice }),
        ...(problems.length > 0 ? { problems } : {}),
        ...(causes.length > 0 ? { causes } : {}),
      },
    },
    ...lines.map((line) => `${paint("red", "bitstore:")} ${escapeControls(line)}`),
    ...(advice === undefined ? [] : [`${paint("yellow", "hint:")} ${escapeControls(advice)}`]),
    ...causes.map((cause) => paint("dim", `  cause: ${escapeControls(cause)}`)),
  );
}

/** Lists the messages of what an error was caused by, with nothing secret in them. */
function causesOf(error: StoreError): readonly string[] {
  const causes: string[] = [];
  let cause: unknown = error.cause;
  while (cause instanceof Error && causes.length < causesMax) {
    causes.push(withoutSecrets(`${cause.name}: ${cause.message}`).slice(0, causeCharsMax));
    cause = cause.cause;
  }
  return causes;
}

/** SDKs like to quote the URL that they asked, signature and all. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s"'<>]+/g, (url) => redactUrl(url))
    .replace(/\b(authorization|x-amz-[\w-]+|sig|signature|token)(["']?\s*[:=]\s*)\S+/gi, "$1$2***");
}
