import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Leftover } from "./reaper.ts";

// Reads changes to the list of leftovers, one JSON line each, until its standard input is
// closed; then sees to what is on the list and exits. Started by reaper.ts.

const graceMs = 3_000;
const leftovers = new Map<string, Leftover>();

for await (const line of createInterface({ input: process.stdin })) {
  const { change, leftover } = JSON.parse(line) as {
    readonly change: "add" | "remove";
    readonly leftover: Leftover;
  };
  if (change === "add") leftovers.set(JSON.stringify(leftover), leftover);
  else leftovers.delete(JSON.stringify(leftover));
}

const remaining = [...leftovers.values()];
const groups = remaining.flatMap((leftover) => (leftover.kind === "group" ? [leftover.pid] : []));
for (const pid of groups) signalGroup(pid, "SIGTERM");
const deadline = Date.now() + graceMs;
while (groups.some((pid) => signalGroup(pid, 0)) && Date.now() < deadline) await sleep(50);
for (const pid of groups) signalGroup(pid, "SIGKILL");

for (const leftover of remaining) {
  if (leftover.kind === "command") {
    const [command = "", ...argv] = leftover.argv;
    spawnSync(command, argv, { stdio: "ignore", timeout: 60_000 });
  }
}
// Last, because a process that still runs would write into its folder again.
for (const leftover of remaining) {
  if (leftover.kind === "folder") {
    rmSync(leftover.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Returns whether there was a group to signal. */
function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
