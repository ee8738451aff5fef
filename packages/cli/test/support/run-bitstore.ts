import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The words that start the real command from its sources. */
export const command: readonly string[] = [process.execPath, "--conditions=@bitstore/source", main];

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
  /** The objects on stdout, one a line. */
  readonly records: Record<string, unknown>[];
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** A folder of its own, with an empty home and a folder for temporary files. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  /** Where the command puts what it spools. */
  readonly temporary: string;
  path(...names: string[]): string;
  start(args: readonly string[], options?: StartOptions): Running;
  /** Runs the command to its end; what is to be on its stdin may be given. */
  run(
    args: readonly string[],
    options?: StartOptions & { input?: string | Buffer },
  ): Promise<Ended>;
  /** Runs a line of bash, in which `bitstore` is the command. */
  bash(line: string): Promise<Ended>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
}

export async function openPlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "bitstore-cli-"));
  const folder = join(root, "work");
  const temporary = join(root, "tmp");
  for (const path of [folder, temporary, join(root, "home")]) await mkdir(path);
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(root, "home"),
    TMPDIR: temporary,
  };
  const start = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Running => {
    const [program = "", ...args] = words;
    const child = spawn(program, args, { cwd: folder, env: { ...environment, ...env } });
    return { child, ended: watch(child) };
  };
  return {
    folder,
    temporary,
    path: (...names) => join(folder, ...names),
    start: (args, options = {}) => start([...command, ...args], options.env),
    async run(args, options = {}) {
      const { child, ended } = start([...command, ...args], options.env);
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.input ?? "");
      return await ended;
    },
    async bash(line) {
      const words = command.map((word) => `'${word}'`).join(" ");
      const { child, ended } = start(["bash", "-c", `bitstore() { ${words} "$@"; }; ${line}`]);
      child.stdin?.end();
      return await ended;
    },
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function watch(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError("the child's streams are pipes");
  const [bytes, errors, [status, signal]] = await Promise.all([
    buffer(stdout),
    buffer(stderr),
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  const text = bytes.toString();
  return {
    status,
    signal,
    stdout: text,
    bytes,
    stderr: errors.toString(),
    get records() {
      return parseLines(text);
    },
  };
}

/** Parses output that has one JSON object a line. */
export function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
