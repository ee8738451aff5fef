import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterEach } from "vitest";

export interface Child {
  /** Resolves to the next line of its standard output, or undefined at its end. */
  line(): Promise<string | undefined>;
  /** Lines that were not taken yet, once it has ended. */
  rest(): Promise<string[]>;
  /** Kills it as the system does: it can do nothing about that. */
  kill(): void;
  /** What it said on its standard error so far. */
  stderr(): string;
}

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Runs a script of `child/` from the sources, in a process of its own. */
export function runChild(script: string, ...args: readonly string[]): Child {
  const path = join(import.meta.dirname, "child", `${script}.ts`);
  const flags = ["--conditions=@bitstore/source", "--no-warnings"];
  const child = spawn(process.execPath, [...flags, path, ...args], { stdio: "pipe" });
  running.add(child);
  child.once("close", () => running.delete(child));
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function line(): Promise<string | undefined> {
    const step = await lines.next();
    return step.done === true ? undefined : step.value;
  }
  return {
    line,
    async rest() {
      const left: string[] = [];
      for (let next = await line(); next !== undefined; next = await line()) left.push(next);
      return left;
    },
    kill: () => void child.kill("SIGKILL"),
    stderr: () => said,
  };
}
