import { once } from "node:events";
import { type Paint, painter } from "./colors.ts";
import { escapeControls, jsonLine } from "./escape-controls.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Output {
  /** Whether stderr is a terminal that may show progress. */
  readonly showsProgress: boolean;
  /** Colours for what goes to stdout. */
  readonly paint: Paint;
  /**
   * Writes one result: with `--json` the record as a line, else the lines of text. Control characters
   * are escaped; colours are to be put into the text by `paint`, around text that was escaped.
   */
  result(record: object, ...text: readonly string[]): Promise<void>;
  /** Writes bytes of a blob as they are; resolves when the reader is ready for more. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Writes lines to stdout as they are, such as a completion script. */
  lines(text: string): Promise<void>;
  /** Tells something that is no result and no error; `--quiet` leaves it out. */
  note(message: string): void;
  /** Writes lines about something to stderr: the record with `--json`, else the text. */
  aside(record: object, ...text: readonly string[]): void;
  /** Is called before anything is written, so that a progress line can be wiped off. */
  onWrite(wipe: () => void): () => void;
  /** Resolves when everything was handed to the system. */
  flush(): Promise<void>;
}

/** Characters of results that are gathered before they are written. */
const gatheredCharsMax = 16 * 1024;

/** Makes the output of one command. `signal` ends the wait for a reader that takes nothing. */
export function createOutput(io: Io, settings: Settings, signal: AbortSignal): Output {
  const { stdout, stderr } = io;
  const wipers = new Set<() => void>();
  let gathered = "";
  let scheduled = false;

  const wipe = (): void => {
    for (const each of wipers) each();
  };
  function writeGathered(): boolean {
    scheduled = false;
    if (gathered === "") return !stdout.writableNeedDrain;
    const text = gathered;
    gathered = "";
    if (stdout.isTTY === true) wipe();
    return stdout.writable ? stdout.write(text) : true;
  }
  async function drained(): Promise<void> {
    if (!stdout.writableNeedDrain || !stdout.writable) return;
    // A reader that has gone makes no `drain`: the frame aborts the signal then.
    await once(stdout, "drain", { signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  }
  async function lines(text: string): Promise<void> {
    gathered += text;
    if (gathered.length >= gatheredCharsMax) {
      if (!writeGathered()) await drained();
    } else if (!scheduled) {
      scheduled = true;
      setImmediate(writeGathered);
    }
  }
  function aside(record: object, ...text: readonly string[]): void {
    // On a terminal the two streams are read as one, so they keep the order of what happened.
    writeGathered();
    wipe();
    const shown = settings.json ? [jsonLine(record)] : text;
    if (stderr.writable) stderr.write(shown.map((line) => `${line}\n`).join(""));
  }
  return {
    showsProgress: stderr.isTTY === true && !settings.quiet && !settings.json,
    paint: painter(stdout, io.env),
    async result(record, ...text) {
      const shown = settings.json ? [jsonLine(record)] : text;
      await lines(shown.map((line) => `${line}\n`).join(""));
    },
    async bytes(chunk) {
      writeGathered();
      if (signal.aborted) throw signal.reason;
      if (!stdout.write(chunk)) await drained();
    },
    lines,
    note(message) {
      if (!settings.quiet) aside({ note: message }, `note: ${escapeControls(message)}`);
    },
    aside,
    onWrite(each) {
      wipers.add(each);
      return () => wipers.delete(each);
    },
    async flush() {
      writeGathered();
      if (!stdout.writable) return;
      // The callback of an empty write comes after those of all writes before it.
      await new Promise<void>((resolve) => stdout.write("", () => resolve()));
    },
  };
}
