import type { Command, OptionValues } from "commander";
import { setMaxListeners } from "node:events";
import { createDisposal, type Disposal, type ErrorCode } from "@bitstore/core";
import { openStore, type OpenedStore, type StoreChoice } from "../store/open-store.ts";
import { exitStatus } from "./exit-status.ts";
import { cleanUpMsDefault, listenForInterruption } from "./interruption.ts";
import type { EndSignal, Io } from "./io.ts";
import { narrate } from "./narrate.ts";
import { createOutput, type Output } from "./output.ts";
import { printError } from "./print-error.ts";
import type { Settings } from "./settings.ts";
import { toStoreError } from "./system-error.ts";
import { createTemporaries, type Temporaries } from "./temporaries.ts";

/** What a command is given beside its own arguments and options. */
export interface Invocation {
  readonly settings: Settings;
  readonly io: Io;
  readonly output: Output;
  /** Aborted by SIGINT, SIGTERM, and by a reader of stdout that has gone. */
  readonly signal: AbortSignal;
  /** Files that must not outlive the process. */
  readonly temporaries: Temporaries;
  /**
   * Opens the store that the global options and the config say, or the one of `choice`. The frame
   * closes it when the command is done, and waits for the fills.
   */
  openStore(choice?: StoreChoice): Promise<OpenedStore>;
  /**
   * Prints a failure after which the command goes on, and counts it toward the exit status. `item`
   * says which of the command's items failed, where the error does not.
   */
  fail(error: unknown, item?: string): void;
  /** Counts a code toward the exit status, where the results say all that is to be said. */
  count(code: ErrorCode): void;
}

/** What a command does. What it throws is printed and decides the exit status. */
export type Run<Options> = (
  invocation: Invocation,
  args: readonly string[],
  options: Options,
) => Promise<void>;

/** What is unlike other commands of one. */
export interface RunOptions {
  /** A signal is how it ends, and no failure; it takes the time that it takes. */
  readonly endsGracefully?: boolean;
}

/** What all commands share: it turns what they do into commander's actions. */
export interface Frame {
  action<Options extends OptionValues>(
    run: Run<Options>,
    how?: RunOptions,
  ): (...received: unknown[]) => Promise<void>;
}

/** A frame, and what came of the command that ran in it. */
export interface FrameRun extends Frame {
  /** Prints an error of the command line itself. */
  reject(error: unknown): void;
  /** Counts a code toward the exit status. */
  count(code: ErrorCode): void;
  /** The status to exit with. */
  status(): number;
}

/** How long stores may take to close before the user is told why. */
const patienceMs = 2000;

export function createFrame(io: Io, settings: () => Settings): FrameRun {
  const codes = new Set<ErrorCode>();
  let readerHasGone = (): boolean => false;

  const status = (): number => (readerHasGone() ? 0 : exitStatus(codes));
  const failing = (output: Output, name: string, signal: AbortSignal, isGraceful: boolean) => {
    let told = false;
    return (thrown: unknown, item?: string): void => {
      const error = toStoreError(thrown, name, item);
      // Whatever fails once the command was interrupted fails because of it, and is told once; but to
      // one that is ended by a signal as it should be, that is no reason to fail.
      const isOwn = !signal.aborted || (isGraceful && error.code !== "ABORTED");
      const shown = isOwn ? error : toStoreError(signal.reason, name);
      codes.add(shown.code);
      if (told || readerHasGone()) return;
      told = !isOwn;
      printError(shown, isOwn ? item : undefined, { io, output, settings: settings() });
    };
  };

  async function perform<Options>(
    run: Run<Options>,
    name: string,
    args: readonly string[],
    options: Options,
    { endsGracefully = false }: RunOptions,
  ): Promise<void> {
    const temporaries = createTemporaries();
    const end = (ending: EndSignal): void => {
      temporaries.removeAll();
      io.end(ending);
    };
    const cleanUpMs = endsGracefully ? Number.POSITIVE_INFINITY : cleanUpMsDefault;
    const interruption = listenForInterruption(io, name, end, cleanUpMs);
    const { signal } = interruption;
    // Everything that a command has under way listens to it, which is no leak.
    setMaxListeners(0, signal);
    ({ readerHasGone } = interruption);
    const output = createOutput(io, settings(), signal);
    const fail = failing(output, name, signal, endsGracefully);
    const hush = settings().verbose ? narrate(io, output) : undefined;
    const stores = createDisposal();
    const use = async (choice: StoreChoice): Promise<OpenedStore> =>
      stores.add(await openStore(choice, io, signal));
    let standard: Promise<OpenedStore> | undefined;
    const invocation: Invocation = {
      settings: settings(),
      io,
      output,
      signal,
      temporaries,
      openStore: (choice) => (choice === undefined ? (standard ??= use(settings())) : use(choice)),
      fail,
      count: (code) => void codes.add(code),
    };
    try {
      await run(invocation, args, options);
    } catch (error) {
      fail(error);
    }
    await close(stores, output).catch((error: unknown) => fail(error));
    // A command that was interrupted may have ended as if it were done.
    if (signal.aborted && !endsGracefully) fail(signal.reason);
    await output.flush();
    hush?.();
    temporaries.removeAll();
    interruption.stop();
  }

  return {
    action:
      (run, how = {}) =>
      async (...received) => {
        const command = received.at(-1);
        if (!isCommand(command)) throw new TypeError("an action is called by commander alone");
        await perform(run, command.name(), command.args, command.opts(), how);
      },
    reject(error) {
      const signal = AbortSignal.any([]);
      failing(createOutput(io, settings(), signal), "parse", signal, false)(error);
    },
    count: (code) => void codes.add(code),
    status,
  };
}

/** Closes the stores; where that takes long, tells what is waited for. */
async function close(stores: Disposal, output: Output): Promise<void> {
  const timer = setTimeout(() => {
    output.note("waiting for copies into the cache tiers; interrupt to drop them");
  }, patienceMs);
  try {
    await stores[Symbol.asyncDispose]();
  } finally {
    clearTimeout(timer);
  }
}

function isCommand(value: unknown): value is Command {
  return typeof value === "object" && value !== null && "opts" in value && "args" in value;
}
