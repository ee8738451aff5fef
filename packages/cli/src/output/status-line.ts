import { stripVTControlCharacters } from "node:util";
import type { Invocation } from "../frame/frame.ts";

/** One line on the terminal that says how far a command is. */
export interface StatusLine extends Disposable {
  /** Milliseconds since it was started. */
  elapsedMs(): number;
  /** Wipes the line off for good. */
  stop(): void;
}

const redrawMs = 100;
/** A command that is done sooner shows nothing: a line that flashes up tells nobody anything. */
const firstDrawMs = 400;
const wipe = "\r\u001b[2K";

/**
 * Shows on a terminal what `render` says, again and again until it is stopped; nothing where stderr
 * is no terminal, or is to be quiet. Whatever else is written wipes it off, and it is drawn again.
 */
export function showStatusLine(
  { output, io }: Pick<Invocation, "output" | "io">,
  render: (elapsedMs: number) => string,
): StatusLine {
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  if (!output.showsProgress) {
    return { elapsedMs, stop: () => undefined, [Symbol.dispose]: () => undefined };
  }
  let isDrawn = false;
  const wipeOff = (): void => {
    if (isDrawn) io.stderr.write(wipe);
    isDrawn = false;
  };
  const draw = (): void => {
    const columns = io.stderr.columns ?? 80;
    // A line that wraps could not be wiped off.
    const text = stripVTControlCharacters(render(elapsedMs())).slice(0, columns - 1);
    io.stderr.write(wipe + text);
    isDrawn = true;
  };
  const stopWiping = output.onWrite(wipeOff);
  let timer = setTimeout(function tick() {
    draw();
    timer = setTimeout(tick, redrawMs);
  }, firstDrawMs);
  const stop = (): void => {
    clearTimeout(timer);
    stopWiping();
    wipeOff();
  };
  return { elapsedMs, stop, [Symbol.dispose]: stop };
}
