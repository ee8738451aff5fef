import { setTimeout as sleep } from "node:timers/promises";
import { startChild, type ChildOptions } from "./child.ts";
import type { Reaper } from "./reaper.ts";

/**
 * Runs a tool to its end. Rejects when it fails or takes longer than `timeMsMax`, with the
 * last lines it wrote.
 */
export async function runTool(
  [command, ...commandArguments]: readonly [string, ...string[]],
  reaper: Reaper,
  timeMsMax: number,
  options: ChildOptions = {},
): Promise<string> {
  const child = startChild(command, commandArguments, reaper, options);
  const timer = new AbortController();
  const late = sleep(timeMsMax, "late", { signal: timer.signal }).catch(() => "cancelled");
  const isLate = (await Promise.race([child.exited, late])) === "late";
  timer.abort();
  await child.stop();
  const ended = isLate ? `was ended after ${timeMsMax} ms` : child.ended();
  if (ended !== "exited with 0") {
    const what = [command, ...commandArguments].join(" ");
    throw new Error(`${what} ${ended ?? ""}\n${child.output()}`.trim());
  }
  return child.output();
}
