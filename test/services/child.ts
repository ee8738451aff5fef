import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reaper } from "./reaper.ts";

const keptLines = 30;
const keptLineCharacters = 400;
const graceMs = 5_000;

/** A process of ours, in a group of its own. */
export interface Child {
  /** How it ended, in words, or `undefined` while it runs. */
  readonly ended: () => string | undefined;
  /** The last lines it wrote to either stream. */
  readonly output: () => string;
  readonly exited: Promise<void>;
  /** Asks it and its children to end, then makes them. Resolves when it is gone. */
  readonly stop: () => Promise<void>;
}

/** How to start one. */
export interface ChildOptions {
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly workingDirectory?: string;
}

/**
 * Starts a process whose end is certain: by `stop`, or by the reaper if we die first. It is
 * detached so that Ctrl-C reaches the tests alone, which may still need it to finish.
 */
export function startChild(
  command: string,
  commandArguments: readonly string[],
  reaper: Reaper,
  options: ChildOptions = {},
): Child {
  const child = spawn(command, commandArguments, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
    ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
  });
  let ended: string | undefined;
  let lines: string[] = [];
  const keep = (text: string): void => {
    const parts = text.split("\n");
    // A chunk rarely ends with a line, so the first part goes on where the last one stopped.
    const head = `${lines.pop() ?? ""}${parts[0] ?? ""}`;
    lines = [...lines, head, ...parts.slice(1)]
      .slice(-keptLines)
      .map((line) => line.slice(0, keptLineCharacters));
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const { pid } = child;
  if (pid !== undefined) reaper.add({ kind: "group", pid });

  const exited = (async (): Promise<void> => {
    try {
      // Not "close": a grandchild that keeps the pipes open would hold it back.
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      ended = signal === null ? `exited with ${code}` : `was ended by ${signal}`;
    } catch (error) {
      ended = `did not start: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (pid !== undefined) reaper.remove({ kind: "group", pid });
  })();

  const stop = async (): Promise<void> => {
    if (ended !== undefined || pid === undefined) return;
    process.kill(-pid, "SIGTERM");
    const grace = new AbortController();
    const late = sleep(graceMs, "late", { signal: grace.signal }).catch(() => "cancelled");
    if ((await Promise.race([exited, late])) === "late" && ended === undefined) {
      process.kill(-pid, "SIGKILL");
    }
    await exited;
    grace.abort();
  };
  return { ended: () => ended, output: () => lines.join("\n").trim(), exited, stop };
}
