import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "src", "main.ts");

export interface BitstoreRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Resident bytes, sampled while it ran; the highest comes from the system's own count. */
  readonly residentBytes: readonly number[];
  readonly residentBytesMax: number;
  readonly elapsedMs: number;
}

export interface BitstoreOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds between samples of the resident memory. */
  readonly sampleMs?: number;
  /** Where stdout goes: gathered, or thrown away. */
  readonly stdout?: "gather" | "ignore";
}

/** Runs the command from the sources as a process of its own, with an environment of its own. */
export function runBitstore(
  args: readonly string[],
  { cwd, env = {}, sampleMs = 100, stdout = "gather" }: BitstoreOptions,
): Promise<BitstoreRun> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ["--conditions=@bitstore/source", main, ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, ...env },
    stdio: ["ignore", stdout === "gather" ? "pipe" : "ignore", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  const residentBytes: number[] = [];
  let residentBytesMax = 0;
  const timer = setInterval(() => {
    const now = residentOf(child.pid ?? 0);
    // A process that has ended and is not yet reaped has no memory, and is no sample.
    if (now === undefined || now.bytes === 0) return;
    residentBytes.push(now.bytes);
    residentBytesMax = Math.max(residentBytesMax, now.bytesMax);
  }, sampleMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      clearInterval(timer);
      resolve({
        status,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
        residentBytes,
        residentBytesMax,
        elapsedMs: performance.now() - startedMs,
      });
    });
  });
}

function residentOf(pid: number): { bytes: number; bytesMax: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kibibytes = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    return { bytes: kibibytes("VmRSS") * 1024, bytesMax: kibibytes("VmHWM") * 1024 };
  } catch {
    return undefined;
  }
}
