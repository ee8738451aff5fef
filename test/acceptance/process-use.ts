import { readFileSync } from "node:fs";

/** What a process has used, as the system counts it. */
export interface ProcessUse {
  /** The most that was resident at a time. */
  readonly residentBytesMax: number;
  /** In user and system mode. */
  readonly cpuMs: number;
}

/** Clock ticks of /proc: 100 a second wherever Linux shows them to programs. */
const tickMs = 10;

/** Reads what a process that runs has used. Throws once it is gone. */
export function processUse(pid: number): ProcessUse {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may hold anything; what comes behind it is numbers.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { residentBytesMax: kibibytes * 1024, cpuMs: ticks * tickMs };
}
