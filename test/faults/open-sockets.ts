import { readdir, readlink } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

const waitMsMax = 20_000;
const lookMs = 50;

/** What this process holds open: its sockets and files by the system's count, and timers. */
export interface Holdings {
  readonly sockets: number;
  readonly files: number;
  readonly timers: number;
}

export async function holdings(): Promise<Holdings> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  const resources = process.getActiveResourcesInfo();
  return {
    sockets: links.filter((link) => link.startsWith("socket:")).length,
    // What runs the tests may map files of its own; those of the tests lie in temporary folders.
    files: links.filter((link) => link.startsWith("/tmp/bitstore-")).length,
    timers: resources.filter((resource) => resource === "Timeout").length,
  };
}

/** Waits until no more is held open than before; resolves to what is, at the latest after a while. */
export async function settledHoldings(before: Holdings): Promise<Holdings> {
  const untilMs = performance.now() + waitMsMax;
  for (;;) {
    const now = await holdings();
    const isSettled = now.sockets <= before.sockets && now.files <= before.files;
    if (isSettled || performance.now() > untilMs) return now;
    await pause(lookMs);
  }
}
