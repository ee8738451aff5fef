import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { afterEach } from "vitest";

export interface Child {
  readonly process: ChildProcess;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed that many lines, or ended. */
  printed(count: number): Promise<void>;
  /** Resolves to its exit status, or the signal that ended it, with what it said on stderr. */
  readonly ended: Promise<{ readonly status: number | string; readonly stderr: string }>;
}

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Runs a script of `child/` from the sources, in a process of its own. */
export function runChild(script: string, ...args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`./child/${script}.ts`, import.meta.url));
  const flags = ["--conditions=@bitstore/source", "--no-warnings"];
  const child = spawn(process.execPath, [...flags, path, ...args], { stdio: "pipe" });
  running.add(child);
  const lines: string[] = [];
  let stderr = "";
  let wake: (() => void)[] = [];
  const wakeAll = (): void => {
    for (const each of wake.splice(0)) each();
  };
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    wakeAll();
  });
  const ended = new Promise<{ status: number | string; stderr: string }>((resolve) => {
    child.on("close", (status, signal) => {
      running.delete(child);
      resolve({ status: status ?? signal ?? "unknown", stderr });
      wakeAll();
    });
  });
  return {
    process: child,
    lines,
    ended,
    async printed(count) {
      while (lines.length < count && child.exitCode === null && child.signalCode === null) {
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
  };
}
