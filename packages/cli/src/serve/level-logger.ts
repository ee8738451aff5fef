import type { Logger, LogLevel } from "@bitstore/telemetry";

/** A logger whose level may change while it is in use. */
export interface LevelLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/** Makes a logger that hands on to one of the level that holds now. */
export function levelLogger(make: (level: LogLevel) => Logger, level: LogLevel): LevelLogger {
  let logger = make(level);
  return {
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.info(message, fields),
    warn: (message, fields) => logger.warn(message, fields),
    error: (message, fields) => logger.error(message, fields),
    request: (request) => logger.request(request),
    writesRequest: (status) => logger.writesRequest(status),
    with: (fields) => logger.with(fields),
    setLevel(next) {
      logger = make(next);
    },
  };
}
