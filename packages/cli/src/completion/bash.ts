import { type CommandShape, flatten, type OptionShape } from "../shape/command-shape.ts";

/**
 * Writes the completion for bash: commands, options and the values of options that have few; files
 * for all else. To be sourced, or put into bash-completion's folder as `bitstore`.
 */
export function bashCompletion(program: CommandShape): string {
  const shapes = flatten(program);
  const withValue = shapes.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue));
  const withFile = withValue.filter(({ choices }) => choices.length === 0);
  const withChoice = withValue.filter(({ choices }) => choices.length > 0);
  const globals = program.options.flatMap(names);
  return `# bash completion for bitstore
_bitstore() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" words="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$command \${COMP_WORDS[index]}" in
      ${unique(withValue)
        .map((name) => `*" ${name}"`)
        .join(" | ")}) ((index++)) ;;
${shapes
  .filter(({ path }) => path.length > 0)
  .map(stepCase)
  .join("\n")}
    esac
  done
  case $previous in
${withChoice.map(choiceCase).join("\n")}
    ${unique(withFile).join(" | ")}) return ;;
  esac
  case $command in
${shapes.map(wordCase).join("\n")}
  esac
  [[ $current == -* ]] && words+=" ${[...globals, "--help"].join(" ")}"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _bitstore bitstore
`;
}

/** Recognises a command's own word after the words of the command that it is below. */
function stepCase({ path }: CommandShape): string {
  const above = path.slice(0, -1).join(" ");
  return `      "${above} ${path.at(-1) ?? ""}") command="${path.join(" ")}" ;;`;
}

function choiceCase(option: OptionShape): string {
  return `    ${names(option).join(" | ")})
      COMPREPLY=($(compgen -W "${option.choices.join(" ")}" -- "$current"))
      return
      ;;`;
}

/** Says which words may follow a command: those below it, and its options once a hyphen is typed. */
function wordCase({ path, options, commands, args }: CommandShape): string {
  const below = [
    ...commands.map((each) => each.path.at(-1) ?? ""),
    ...args.flatMap(({ choices }) => choices),
  ];
  const own = path.length === 0 ? [] : options.flatMap(names);
  const lines = [`    "${path.join(" ")}")`];
  if (below.length > 0) lines.push(`      words="${below.join(" ")}"`);
  if (own.length > 0) lines.push(`      [[ $current == -* ]] && words="${own.join(" ")}"`);
  return [...lines, "      ;;"].join("\n");
}

function names({ long, short }: OptionShape): readonly string[] {
  return short === undefined ? [long] : [short, long];
}

function unique(options: readonly OptionShape[]): readonly string[] {
  return [...new Set(options.flatMap(names))].sort();
}
