import { styleText } from "node:util";
import type { Io, TerminalState } from "./io.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Puts text in a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Tells whether a stream takes colours: a terminal that is not dumb, unless NO_COLOR is set. */
export function hasColors(stream: TerminalState, env: Io["env"]): boolean {
  const noColor = env["NO_COLOR"];
  if (noColor !== undefined && noColor !== "") return false;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

/** Makes the painter of a stream. */
export function painter(stream: TerminalState, env: Io["env"]): Paint {
  if (!hasColors(stream, env)) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
