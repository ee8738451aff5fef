import type { CommandShape, OptionShape } from "../shape/command-shape.ts";

/** Writes the completion for zsh. To be put into a folder of `$fpath` as `_bitstore`. */
export function zshCompletion(program: CommandShape): string {
  return `#compdef bitstore
_bitstore() {
  local context state state_descr line
  typeset -A opt_args
  local -a globals
  globals=(
${program.options.map((option) => `    ${optionSpec(option)}`).join("\n")}
    '(-h --help)'{-h,--help}'[print help]'
  )
${level(program, "  ")}
}
if [[ $funcstack[1] == _bitstore ]]; then
  _bitstore "$@"
else
  compdef _bitstore bitstore
fi
`;
}

/** Completes one command: its own options and arguments, or the commands below it. */
function level(shape: CommandShape, indent: string): string {
  const own = shape.path.length === 0 ? [] : shape.options.map(optionSpec);
  if (shape.commands.length === 0) {
    const args = shape.args.map(({ name, choices }) => {
      const action = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
      return quoted(`*:${name}:${action}`);
    });
    return `${indent}_arguments -s -S ${["$globals", ...own, ...args].join(` \\\n${indent}  `)}`;
  }
  const entries = shape.commands.map(
    ({ path, summary }) => `${indent}    ${quoted(`${path.at(-1) ?? ""}:${summary}`)}`,
  );
  const cases = shape.commands.map(
    (each) => `${indent}        ${each.path.at(-1) ?? ""})
${level(each, `${indent}          `)}
${indent}          ;;`,
  );
  return `${indent}_arguments -C -s -S $globals '1:command:->command' '*::argument:->rest'
${indent}case $state in
${indent}  command)
${indent}    local -a commands
${indent}    commands=(
${entries.join("\n")}
${indent}    )
${indent}    _describe command commands
${indent}    ;;
${indent}  rest)
${indent}      case $words[1] in
${cases.join("\n")}
${indent}      esac
${indent}    ;;
${indent}esac`;
}

function optionSpec({ long, short, description, takesValue, choices }: OptionShape): string {
  const text = `[${description.replace(/[[\]]/g, "\\$&")}]`;
  const value = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
  const rest = quoted(takesValue ? `${text}:value:${value}` : text);
  const name = takesValue ? `${long}=` : long;
  // An option that was given is not offered again, unless it may be repeated.
  const repeatable = description.includes("(repeatable)");
  if (short === undefined) return repeatable ? `'*'${name}${rest}` : `${name}${rest}`;
  return `'(${short} ${long})'{${short}${takesValue ? "+" : ""},${name}}${rest}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
