import type { Command, Option } from "commander";

/** What is declared of one command, as help, reference and completion need it. */
export interface CommandShape {
  /** Words after `bitstore`, such as `cache prune`; none for the program itself. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly description: string;
  /** Arguments and options as usage lines show them. */
  readonly usage: string;
  readonly args: readonly ArgumentShape[];
  readonly options: readonly OptionShape[];
  readonly commands: readonly CommandShape[];
  /** Heading of the group that it is listed in. */
  readonly group: string;
}

export interface ArgumentShape {
  readonly name: string;
  readonly description: string;
  readonly choices: readonly string[];
}

export interface OptionShape {
  readonly long: string;
  readonly short: string | undefined;
  /** As it is declared: `-o, --output <file>`. */
  readonly flags: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** The default, where it says something. */
  readonly fallback: string | undefined;
}

/** Reads the declarations of a command and of those below it; hidden ones are left out. */
export function shapeOf(command: Command, path: readonly string[] = []): CommandShape {
  const helper = command.createHelp();
  const commands = command.commands.filter((each) =>
    helper.visibleCommands(command).includes(each),
  );
  return {
    path,
    summary: command.summary() || firstSentence(command.description()),
    description: command.description(),
    usage: command.usage(),
    args: command.registeredArguments.map((each) => ({
      name: each.name(),
      description: each.description,
      choices: each.argChoices ?? [],
    })),
    options: command.options.filter(({ hidden }) => !hidden).map(optionShape),
    commands: commands.map((each) => shapeOf(each, [...path, each.name()])),
    group: command.helpGroup().replace(/:$/, "") || "Commands",
  };
}

/** Lists a command and all below it. */
export function flatten(shape: CommandShape): readonly CommandShape[] {
  return [shape, ...shape.commands.flatMap(flatten)];
}

function optionShape(option: Option): OptionShape {
  const { long, short, flags, description, argChoices } = option;
  const fallback: unknown = option.defaultValue;
  return {
    long: long ?? short ?? flags,
    short: long === undefined ? undefined : short,
    flags,
    description,
    takesValue: option.required || option.optional,
    choices: argChoices ?? [],
    fallback:
      typeof fallback === "string" || typeof fallback === "number" ? String(fallback) : undefined,
  };
}

function firstSentence(text: string): string {
  return /^.*?(?=[.;:](?:\s|$)|$)/s.exec(text)?.[0] ?? text;
}
