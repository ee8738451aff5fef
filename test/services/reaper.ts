import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * What has to go away with the run: process groups that we started (by the id of their
 * leader), folders, and commands that tidy up elsewhere.
 */
export type Leftover =
  | { readonly kind: "group"; readonly pid: number }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "command"; readonly argv: readonly string[] };

/** Keeps the list of leftovers, and outlives this process to see to them. */
export interface Reaper {
  readonly add: (leftover: Leftover) => void;
  /** Takes one off the list that has been seen to. */
  readonly remove: (leftover: Leftover) => void;
  /** Ends the reaper, which first sees to whatever is still on its list. */
  readonly close: () => Promise<void>;
}

/**
 * Starts a process that does the cleaning up if this one can't. It learns of our end by its
 * standard input being closed, which the kernel does whatever we die of, SIGKILL included; an
 * exit hook would not run then. It has a process group of its own, so Ctrl-C doesn't reach it.
 */
export function startReaper(): Reaper {
  const script = fileURLToPath(new URL("./reaper-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exited = once(child, "exit");
  // A reaper that is gone must not take the run with it: teardown cleans up without it.
  exited.catch(() => undefined);
  child.stdin.on("error", () => undefined);
  child.unref();
  const send = (change: "add" | "remove", leftover: Leftover): void => {
    child.stdin.write(`${JSON.stringify({ change, leftover })}\n`);
  };
  return {
    add: (leftover) => send("add", leftover),
    remove: (leftover) => send("remove", leftover),
    close: async () => {
      child.ref();
      child.stdin.end();
      await exited.catch(() => undefined);
    },
  };
}
