import { Command } from "commander";
import {
  fromCommander,
  fromHelp,
  isAnswered,
  isHelpless,
  speakOurWay,
} from "./frame/commander-words.ts";
import { createFrame } from "./frame/frame.ts";
import type { Io } from "./frame/io.ts";
import { globalOptions, type Settings } from "./frame/settings.ts";
import { declareProgram } from "./program.ts";

/**
 * Runs one command line, given without the names of node and the script, and resolves to the status
 * to exit with. It does not reject: every failure is printed, and is in the status.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command("bitstore");
  const said = globalOptions(program);
  const settings = (): Settings => {
    const settled = said();
    // A command line that is wrong before its --json still asked for JSON.
    return { ...settled, json: settled.json || argv.includes("--json") };
  };
  // A reader that goes away while help is printed is no failure either.
  for (const stream of [io.stdout, io.stderr]) stream.on("error", () => undefined);
  speakOurWay(program, io, () => settings().json);
  const frame = createFrame(io, settings);
  declareProgram(program, frame);
  try {
    await program.parseAsync(fromHelp(program, argv), { from: "user" });
  } catch (error) {
    if (isHelpless(error) && !settings().json) frame.count("INVALID_ARGUMENT");
    else if (!isAnswered(error)) frame.reject(fromCommander(error, program, argv));
  }
  for (const stream of [io.stdout, io.stderr]) {
    // The callback of an empty write comes after those of all writes before it, or with an error.
    await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }
  return frame.status();
}
