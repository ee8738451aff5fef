import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** Makes directories that are removed after the last test of the file. */
export function temporaryRoots(): () => Promise<string> {
  const roots: string[] = [];
  afterAll(async () => {
    for (const root of roots) await rm(root, { recursive: true, force: true });
  });
  return async () => {
    const root = await mkdtemp(join(tmpdir(), "bitstore-fs-"));
    roots.push(root);
    return root;
  };
}

export interface Child {
  readonly process: ChildProcess;
  /** Resolves to what it wrote to its standard output, once it has ended well. */
  readonly output: Promise<string>;
}

/** Runs a script of `children/` in a process of its own, from the sources. */
export function runChild(script: string, args: readonly string[], limits = ""): Child {
  const path = fileURLToPath(new URL(`./children/${script}`, import.meta.url));
  const command = [process.execPath, "--conditions=@bitstore/source", path, ...args];
  // A shell sets the limits, and is replaced by the script, so that a signal reaches it.
  const child =
    limits === ""
      ? spawn(command[0] ?? "", command.slice(1))
      : spawn("/bin/sh", ["-c", `${limits}; exec "$@"`, "sh", ...command]);
  const output = new Promise<string>((resolve, reject) => {
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${script} ended with ${code ?? signal}: ${errors}`));
    });
  });
  output.catch(() => undefined);
  return { process: child, output };
}
