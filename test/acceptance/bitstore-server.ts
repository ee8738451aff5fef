import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type ProcessUse, processUse } from "./process-use.ts";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "src", "main.ts");

/** A server in a process of its own. Disposing it ends it at once, if it has not ended. */
export interface BitstoreServer extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** What the process has used so far. */
  use(): ProcessUse;
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Sends it a signal and resolves to how it ended. */
  end(signal?: NodeJS.Signals): Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

export interface BitstoreServerOptions {
  /** Its working directory and home, where its config is written. */
  readonly folder: string;
  /** Of `bitstore.json`, or the text of a `bitstore.yaml`. */
  readonly config: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node, such as for a profile. */
  readonly nodeOptions?: readonly string[];
}

/** Starts `bitstore serve` from the sources on a free port, and resolves once it listens. */
export async function startBitstoreServer(options: BitstoreServerOptions): Promise<BitstoreServer> {
  const { folder, config, env = {}, nodeOptions = [] } = options;
  const isText = typeof config === "string";
  const file = join(folder, isText ? "bitstore.yaml" : "bitstore.json");
  await writeFile(file, isText ? config : JSON.stringify(config));
  const child = spawn(
    process.execPath,
    [...nodeOptions, "--conditions=@bitstore/source", main, "serve", "--port", "0"],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, BITSTORE_CONFIG: file, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const written: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    void ended.then(() => reject(new Error(written.join("\n"))), reject);
    createInterface(child.stderr).on("line", (line) => {
      written.push(line);
      const found = /^listening on (https?:\/\/\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  async function end(
    name: NodeJS.Signals = "SIGTERM",
  ): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
    child.kill(name);
    const [status, signal] = await ended;
    return { status, signal };
  }
  return {
    url,
    child,
    use: () => processUse(child.pid ?? 0),
    stderr: () => written.join("\n"),
    end,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}
