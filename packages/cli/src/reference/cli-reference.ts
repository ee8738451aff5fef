import { Command } from "commander";
import { type ErrorCode, errorTable } from "@bitstore/core";
import type { Frame } from "../frame/frame.ts";
import { globalOptions } from "../frame/settings.ts";
import { declareProgram } from "../program.ts";
import { type CommandShape, flatten, type OptionShape, shapeOf } from "../shape/command-shape.ts";

/** Writes the reference of the command line, `docs/cli.md`, from what the commands declare. */
export function cliReference(): string {
  const program = new Command("bitstore");
  globalOptions(program);
  const idle: Frame = { action: () => () => Promise.resolve() };
  declareProgram(program, idle);
  const shape = shapeOf(program);
  const commands = flatten(shape).filter(({ path }) => path.length > 0);
  const parts = [
    "# The command line",
    "<!-- Written by test/docs/write-cli-reference.ts from the commands' declarations. -->",
    introduction,
    "## Commands",
    commandTable(commands),
    "## Global options",
    "They are taken before and after the command.",
    optionTable(shape.options),
    tiersText,
    "## Naming a blob",
    namesText,
    "## Another bitstore",
    serverText,
    "## Exit statuses",
    statusTable(),
    statusText,
    "## JSON",
    jsonText,
    ...commands.map(section),
  ];
  return `${parts.join("\n\n")}\n`;
}

const introduction = [
  "`bitstore` puts blobs into a store that is made of tiers, and gets them out again. Results go to",
  "stdout; errors, notes and progress to stderr, progress only to a terminal. Control characters in",
  "names and messages are printed as `\\u001b`. `NO_COLOR` turns colours off.",
].join("\n");

const tiersText = [
  "`--tier` and `--cache` stand in the order in which they are written. `--tier` replaces the tiers of",
  "the config, `--cache` alone stands in front of them. With neither, and with no config,",
  "everything is in `./.bitstore`.",
].join("\n");

const namesText = [
  "Wherever a digest is taken, so is a tag: `@NAME` is the blob that it names now, `@NAME@7` the one",
  "that it named at sequence 7, and `@NAME@TIME` the one that it named then. TIME is RFC 3339, such as",
  "`2026-11-20T08:30:00Z`, a date for its first moment in UTC, or how long ago: `90m`, `2h`, `3d`. A",
  "tag is looked up once in each command. Who writes to a tag is said by `$BITSTORE_ACTOR`, else",
  "`$USER` or `$LOGNAME`.",
].join("\n");

const serverText = [
  "`--tier bitstore+https://store.example.com` asks a server; its token is in `$BITSTORE_TOKEN`, unless",
  "the config gives it an `authorization` header. With a token that is confined to tags, `put` and",
  "`tag set` go together: `put` is given a receipt, which `tag set` shows within a day. Receipts are",
  "kept in `$XDG_CACHE_HOME/bitstore/receipts.ndjson`, else `~/.cache/bitstore/receipts.ndjson`, which",
  "only the user may read: up to 4 MiB, without tokens and digests, the newest 4,096 once it is longer.",
  "A receipt holds for the server and token that it was given to. `get @TAG` reads what the tag names",
  "now, `@TAG@SEQ` what it named; of a collection the list alone (`--raw`).",
].join("\n");

const statusText = [
  "A command that goes on after a failure ends with the worst of what happened, in this order: 3, 2,",
  "5, 6, 7, 4, 1, 130. If the reader of stdout goes away, as `head` does, that is no failure: 0.",
  "SIGINT and SIGTERM let a command clean up; a second signal ends it at once.",
].join("\n");

const jsonText = [
  "With `--json` every result is one JSON object on one line of stdout, and nothing else is written",
  'there. Each line of stderr is an object too: `{"error":{"code","message",…}}`, with `attempts` of',
  'the tiers, a `hint`, and the `item` that failed where there are several; `{"note":"…"}`; and',
  'with `--verbose` `{"attempt":{…}}` and `{"fill":{…}}`.',
].join("\n");

function commandTable(commands: readonly CommandShape[]): string {
  const rows = commands
    .filter(({ commands: below }) => below.length === 0)
    .map(({ path, summary }) => [`[\`${path.join(" ")}\`](#${anchor(path)})`, summary]);
  return table(["command", "does"], rows);
}

function anchor(path: readonly string[]): string {
  return ["bitstore", ...path].join("-");
}

function section(shape: CommandShape): string {
  const { path, usage, description, args, options } = shape;
  const parts = [
    `## bitstore ${path.join(" ")}`,
    `\`\`\`text\nbitstore ${[...path, usage].join(" ").trim()}\n\`\`\``,
    description,
  ];
  const rows = args.map((each) => [`\`${each.name}\``, each.description]);
  if (rows.length > 0) parts.push(table(["argument", "is"], rows));
  if (options.length > 0) parts.push(optionTable(options));
  return parts.join("\n\n");
}

function optionTable(options: readonly OptionShape[]): string {
  const rows = options.map(({ flags, description, choices, fallback }) => {
    const among = choices.length === 0 ? "" : `; one of ${choices.map(code).join(", ")}`;
    const unless = fallback === undefined ? "" : `; ${code(fallback)} unless given`;
    return [code(flags), description + among + unless];
  });
  return table(["option", "does"], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

function statusTable(): string {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const name of Object.keys(errorTable) as ErrorCode[]) {
    const { exit } = errorTable[name];
    byStatus.set(exit, [...(byStatus.get(exit) ?? []), name]);
  }
  const rows = [...byStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, codes]) => [String(status), codes.map(code).join(", ")]);
  return table(["status", "after"], [["0", "success"], ...rows]);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}
