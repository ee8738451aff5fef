import { styleText } from "node:util";
import { type Command, CommanderError } from "commander";
import { hasColors } from "./colors.ts";
import { badUsage } from "./hinted.ts";
import type { Io } from "./io.ts";

const helpColumnsMax = 100;

/**
 * Has commander write to our streams and throw instead of ending the process. To be called before
 * commands are added: they inherit it. What `isQuiet` holds back is said by the error instead.
 */
export function speakOurWay(program: Command, io: Io, isQuiet: () => boolean): void {
  const columns = (stream: { readonly columns?: number | undefined }) => (): number =>
    Math.min(stream.columns ?? 80, helpColumnsMax);
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => {
        if (!isQuiet()) io.stderr.write(text);
      },
      outputError: () => undefined,
      getOutHelpWidth: columns(io.stdout),
      getErrHelpWidth: columns(io.stderr),
      getOutHasColors: () => hasColors(io.stdout, io.env),
      getErrHasColors: () => hasColors(io.stderr, io.env),
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) =>
        styleText("bold", title === "Global Options:" ? "Global options:" : title, {
          validateStream: false,
        }),
    })
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command");
}

/** Tells whether commander threw because all was said: help or the version was printed. */
export function isAnswered(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** Tells whether no command was given, upon which commander printed the help to stderr. */
export function isHelpless(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help";
}

/** Takes what commander throws as an error of ours; anything else stays as it is. */
export function fromCommander(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (isHelpless(error)) return badUsage("no command was given", "bitstore --help lists them");
  const [first = "", suggestion] = error.message.split("\n");
  const message = first.replace(/^error: /, "").replace(/\.$/, "");
  const near = suggestion?.replace(/^\(Did you mean (.*)\?\)$/, "$1");
  const help = ["bitstore", ...commandPath(program, argv), "--help"].join(" ");
  return badUsage(message, near === undefined ? help : `did you mean ${near}?`);
}

/**
 * Has `help tag set` mean `tag set --help`: commander's own takes one word alone. Words that name no
 * command stay, for commander to say so.
 */
export function fromHelp(program: Command, argv: readonly string[]): readonly string[] {
  const [first, ...words] = argv;
  if (first !== "help" || words.length < 2) return argv;
  let { commands } = program;
  for (const word of words) {
    const command = commands.find((each) => each.name() === word);
    if (command === undefined) return argv;
    ({ commands } = command);
  }
  return [...words, "--help"];
}

/** Finds the words of a command line that name its command, such as `tag` and `set`. */
function commandPath(program: Command, argv: readonly string[]): readonly string[] {
  const path: string[] = [];
  let commands = program.commands;
  for (const word of argv) {
    const command = commands.find((each) => each.name() === word);
    if (command === undefined) continue;
    path.push(word);
    ({ commands } = command);
  }
  return path;
}
