import { StoreError } from "@bitstore/core";
import type { EndSignal, Io } from "./io.ts";
import { systemCode, toStoreError } from "./system-error.ts";

/** What ends a command before its time. */
export interface Interruption {
  /** Aborted by SIGINT, SIGTERM, and by a reader of stdout that has gone; the reason says which. */
  readonly signal: AbortSignal;
  /** Whether the reader of stdout has gone, such as `head` once it has had enough. */
  readerHasGone(): boolean;
  /** Stops listening. */
  stop(): void;
}

/** How long a command may take to clean up before it is ended all the same. */
export const cleanUpMsDefault = 5000;

/**
 * Listens for what ends the command `name`. The first signal aborts it, so that it cleans up; a
 * second one, or a clean-up that takes longer than `cleanUpMs`, calls `end`.
 */
export function listenForInterruption(
  io: Io,
  name: string,
  end: (signal: EndSignal) => void,
  cleanUpMs: number = cleanUpMsDefault,
): Interruption {
  const controller = new AbortController();
  let gone = false;
  let timer: NodeJS.Timeout | undefined;
  const abort = (reason: StoreError, signal: EndSignal = "SIGTERM"): void => {
    if (controller.signal.aborted) return;
    // A reader that has gone leaves the command its time: what was paid for is still to be kept.
    if (reason.code === "ABORTED" && Number.isFinite(cleanUpMs)) {
      timer = setTimeout(() => end(signal), cleanUpMs);
    }
    controller.abort(reason);
  };
  const stopSignals = io.onSignal((signal) => {
    if (controller.signal.aborted) end(signal);
    const message = `interrupted by ${signal}`;
    abort(new StoreError({ code: "ABORTED", operation: name, message }), signal);
  });
  io.stdout.on("error", (error: unknown) => {
    gone ||= systemCode(error) === "EPIPE";
    abort(toStoreError(error, "write", "stdout"));
  });
  return {
    signal: controller.signal,
    readerHasGone: () => gone,
    stop() {
      stopSignals();
      clearTimeout(timer);
    },
  };
}
