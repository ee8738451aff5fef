import { listenToCore } from "../channels.ts";
import type { Logger } from "./create-logger.ts";

/**
 * Writes what core tells into a log: alarms as errors, a breaker's changes and failed fills as
 * warnings, what was given up as a warning. Attempts are in metrics and traces, not here: they would be
 * a line for each tier of each read. Disposing it ends listening.
 */
export function logEvents(log: Logger): Disposable {
  return listenToCore({
    alarm: (event) => log.error(`alarm: ${event.kind}`, { ...event }),
    breaker: (event) =>
      log[event.state === "closed" ? "info" : "warn"](`breaker ${event.state}`, { ...event }),
    fill(event) {
      if (event.outcome === "failed") log.warn("a fill failed", { ...event });
    },
    retry(event) {
      if (event.outcome !== "retried") log.warn(`retries: ${event.outcome}`, { ...event });
    },
  });
}
