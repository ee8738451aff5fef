import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export interface TerminalState {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Everything of the process that a command touches, so that nothing reads a global. */
export interface Io {
  readonly stdin: Readable & TerminalState;
  readonly stdout: Writable & TerminalState;
  readonly stderr: Writable & TerminalState;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Working directory: relative paths start from it. */
  readonly cwd: string;
  /** Calls back for each SIGINT and SIGTERM; the returned function stops that. */
  onSignal(listener: (name: EndSignal) => void): () => void;
  /** Calls back for each SIGHUP, which ends the process where nobody listens; returns as `onSignal`. */
  onHangUp(listener: () => void): () => void;
  /** Ends the process at once, with nothing flushed, as the signal does that nobody listens to. */
  end(name: EndSignal): void;
}

/** Signals that ask a command to end. */
export type EndSignal = "SIGINT" | "SIGTERM";

/** Makes the Io of this process. */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onSignal(listener) {
      const onInterrupt = (): void => listener("SIGINT");
      const onTerminate = (): void => listener("SIGTERM");
      process.on("SIGINT", onInterrupt);
      process.on("SIGTERM", onTerminate);
      return () => {
        process.off("SIGINT", onInterrupt);
        process.off("SIGTERM", onTerminate);
      };
    },
    onHangUp(listener) {
      process.on("SIGHUP", listener);
      return () => process.off("SIGHUP", listener);
    },
    end(name) {
      // `process.exit` waits for system calls under way, such as the opening of a pipe that nobody
      // writes to, and would hang. Shells show an end by SIGINT as 130, as they show our own.
      process.removeAllListeners(name);
      process.kill(process.pid, name);
    },
  };
}
