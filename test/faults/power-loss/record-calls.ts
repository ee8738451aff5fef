import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { findOnPath } from "../../services/find-on-path.ts";
import { type Call, parseCall } from "./trace-lines.ts";

const main = join(import.meta.dirname, "..", "..", "..", "packages", "cli", "src", "main.ts");
const recorded = [
  "openat,open,creat,close,dup,dup2,dup3,fcntl",
  "write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,copy_file_range,sendfile",
  "fsync,fdatasync,sync_file_range,msync",
  "link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir",
];
/** Bytes of one write that are kept; a longer one is an error. */
const stringBytesMax = 4 * 2 ** 20;

/** What a command did to files, in the order in which its calls ended. */
export interface Recording {
  readonly calls: readonly Call[];
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether calls can be recorded here. */
export function canRecord(): boolean {
  return findOnPath("strace", process.env["PATH"]) !== undefined;
}

/** Runs the command under strace; its calls are written into a folder of their own. */
export async function recordBitstore(
  args: readonly string[],
  cwd: string,
  traces: string,
): Promise<Recording> {
  await mkdir(traces, { recursive: true });
  const strace = [
    ["-ff", "-xx", "-s", String(stringBytesMax), "-o", join(traces, "calls")],
    ["--seccomp-bpf", "--absolute-timestamps=format:unix,precision:ns", "--syscall-times=ns"],
    ["-e", "signal=none", "-e", `trace=${recorded.join(",")}`],
    [process.execPath, "--conditions=@bitstore/source", main, ...args],
  ].flat();
  const child = spawn("strace", strace, {
    cwd,
    // The calls of io_uring are none that strace sees.
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, UV_USE_IO_URING: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  const calls: Call[] = [];
  for (const name of await readdir(traces)) {
    const lines = (await readFile(join(traces, name), "latin1")).split("\n");
    for (const line of lines) {
      const call = parseCall(line);
      if (call !== undefined) calls.push(call);
    }
  }
  return { calls, status: child.exitCode, stdout, stderr };
}
