import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { KillOperation } from "./kill-operations.ts";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "src", "main.ts");

/** What came of one operation's kills. */
export interface KillResult {
  readonly name: string;
  readonly rounds: number;
  /** Rounds in which the process was gone before it was done. */
  readonly killed: number;
  /** Rounds that had acknowledged something by then. */
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

/** Runs the command and kills it at random moments of its run, round after round. */
export async function killRounds(
  operation: KillOperation,
  rounds: number,
  random: () => number,
): Promise<KillResult> {
  let [killed, acknowledged] = [0, 0];
  const violations: string[] = [];
  // One that is not killed says how long it takes; the latest of them, as the machine's load changes.
  let usualMs = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const args = await operation.prepare(round);
    const startedMs = performance.now();
    const child = start(args, operation);
    const printing = text(child.stdout);
    const saying = text(child.stderr);
    const closed = once(child, "close");
    let timer: NodeJS.Timeout | undefined;
    // A node takes more than a third of the time to start, and little can go wrong until then.
    const killMs = usualMs * (0.3 + 0.75 * random());
    if (round > 0) timer = setTimeout(() => child.kill("SIGKILL"), killMs);
    await closed;
    clearTimeout(timer);
    const printed = await printing;
    if (child.signalCode === "SIGKILL") killed += 1;
    else {
      usualMs = performance.now() - startedMs;
      if (child.exitCode !== 0) violations.push(`exit ${child.exitCode}: ${await saying}`);
    }
    if (printed !== "") acknowledged += 1;
    const wrong = await operation.check(round, printed);
    violations.push(...wrong.map((each) => `round ${round}: ${each}`));
  }
  return { name: operation.name, rounds, killed, acknowledged, violations };
}

function start(
  args: readonly string[],
  { folder, env }: KillOperation,
): ChildProcess & {
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
} {
  return spawn(process.execPath, ["--conditions=@bitstore/source", main, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
