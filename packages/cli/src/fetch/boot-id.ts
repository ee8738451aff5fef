import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** Seconds that the start of the machine may seem to move by while it runs. */
const startWithinS = 10;

/**
 * Names the time since this machine was started. What a process left unsynced may be gone where it
 * names another. Linux tells it by itself; elsewhere it is when the machine was started, which a
 * correction of the clock may move: then it names another time too early, never too late.
 */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    const startedS = Date.now() / 1000 - uptime();
    return `started ${Math.round(startedS / startWithinS)}`;
  }
}
