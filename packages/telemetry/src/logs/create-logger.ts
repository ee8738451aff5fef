import { type Logger as PinoLogger, pino } from "pino";
import type { RequestSummary } from "../request.ts";
import { safeFields, safeText, safeValue } from "./redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Facts of a log line beside its message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines of JSON. Whatever is given, no secret of a known form or name gets into one. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Writes the line of a request that is over: `error` from 500 on, `warn` from 400 on. */
  request(request: RequestSummary & LogFields): void;
  /** Tells whether `request` writes a line for a status, for who would make one for nobody. */
  writesRequest(status: number): boolean;
  /** Makes a logger whose lines have these fields as well, such as a request's id. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** The least that is written; `info` if left out. */
  readonly level?: LogLevel | undefined;
  /** Where lines go, one JSON object and a newline each. */
  readonly write: (line: string) => void;
  /** Milliseconds since 1970; the machine's own if left out. */
  readonly now?: (() => number) | undefined;
  /** Fields of every line. */
  readonly fields?: LogFields | undefined;
}

/**
 * Makes a logger of JSON lines: `level`, `time` (RFC 3339), `message`, and the fields.
 *
 * @example
 * const log = createLogger({ write: (line) => process.stderr.write(line) });
 * log.with({ requestId }).warn("a tier is down", { tier, error });
 */
export function createLogger(options: LoggerOptions): Logger {
  const now = options.now ?? Date.now;
  const lines = pino(
    {
      level: options.level ?? "info",
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: options.write },
  );
  return loggerOf(lines, safeFields(options.fields ?? {}));
}

type Method = "debug" | "info" | "warn" | "error";
type Lines = Pick<PinoLogger, Method | "isLevelEnabled">;

function loggerOf(lines: Lines, own: LogFields): Logger {
  const write = (level: Method, message: string, fields: LogFields = {}): void => {
    // What is not written is not worth making safe.
    if (!lines.isLevelEnabled(level)) return;
    const { message: said, level: _, time, ...rest } = safeFields(fields);
    const clashes = said === undefined && time === undefined ? {} : { said, at: time };
    lines[level]({ ...own, ...rest, ...clashes }, safeText(message));
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    writesRequest: (status) => lines.isLevelEnabled(levelOf(status)),
    request(request) {
      const { method, route = "none", status, elapsedMs } = request;
      const level = levelOf(status);
      if (!lines.isLevelEnabled(level)) return;
      const rounded = { ...request, elapsedMs: Math.round(elapsedMs * 10) / 10 };
      write(level, `${method} ${route} ${status}`, rounded);
    },
    with: (fields) => loggerOf(lines, { ...own, ...(safeValue(fields) as LogFields) }),
  };
}

/** A blob that is not there is an answer as good as any. */
function levelOf(status: number): Method {
  return status >= 500 ? "error" : status >= 400 && status !== 404 ? "warn" : "info";
}
