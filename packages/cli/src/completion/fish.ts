import { type CommandShape, flatten, type OptionShape } from "../shape/command-shape.ts";

/** Writes the completion for fish. To be put into `~/.config/fish/completions/bitstore.fish`. */
export function fishCompletion(program: CommandShape): string {
  const lines = flatten(program).flatMap((shape) => {
    const isProgram = shape.path.length === 0;
    const here = conditionOf(shape);
    const commands = shape.commands.map(
      ({ path, summary }) =>
        `complete -c bitstore ${here} -f -a ${path.at(-1)} -d ${quoted(summary)}`,
    );
    const choices = shape.args
      .filter((arg) => arg.choices.length > 0)
      .map((arg) => `complete -c bitstore ${here} -f -a ${quoted(arg.choices.join(" "))}`);
    const options = shape.options.map((option) => optionLine(option, isProgram ? "" : `${here} `));
    return [...commands, ...choices, ...options];
  });
  return `# fish completion for bitstore\n${lines.join("\n")}\n`;
}

/** Says where a command's own words are offered: after its name, and before one below it. */
function conditionOf({ path, commands }: CommandShape): string {
  if (path.length === 0) return "-n __fish_use_subcommand";
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map((each) => each.path.at(-1)).join(" ");
  if (below !== "") seen.push(`not __fish_seen_subcommand_from ${below}`);
  return `-n ${quoted(seen.join("; and "))}`;
}

function optionLine(option: OptionShape, condition: string): string {
  const { long, short, description, takesValue, choices } = option;
  const parts = [`complete -c bitstore ${condition}-l ${long.slice(2)}`];
  if (short !== undefined) parts.push(`-s ${short.slice(1)}`);
  if (takesValue) parts.push(choices.length > 0 ? `-x -a ${quoted(choices.join(" "))}` : "-r -F");
  parts.push(`-d ${quoted(description)}`);
  return parts.join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
