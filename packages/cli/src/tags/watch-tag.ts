import type { Command } from "commander";
import type { Frame, Invocation } from "../frame/frame.ts";
import { parseWholeOr0 } from "../input/parse-whole.ts";
import { openTagLog } from "./open-tag-log.ts";
import { recordTable } from "./tag-lines.ts";
import { parseTagArgument } from "./tag-reference.ts";

interface WatchOptions {
  readonly since?: number;
}

/** Columns for sequences up to a thousand million: a watch can't know what is to come. */
const seqShown = 99_999;

/** Declares `tag watch`. */
export function registerTagWatch(tag: Command, frame: Frame): void {
  tag
    .command("watch")
    .summary("print the entries of a tag as they come")
    .description(
      "Prints the newest entry, and then each that comes, in order and with none left out, within " +
        "about a second. A tag may be watched before it is set. It ends when it is interrupted, " +
        "with 130; a bucket that is away for a while is waited for.",
    )
    .argument("<name>", "the tag")
    .option("--since <seq>", "begin with the entry after this one; 0 for all", parseWholeOr0)
    .action(frame.action(watchTag));
}

async function watchTag(
  invocation: Invocation,
  [argument = ""]: readonly string[],
  { since }: WatchOptions,
): Promise<void> {
  const { io, output, signal } = invocation;
  const tag = parseTagArgument(argument);
  const log = openTagLog(await invocation.openStore(), invocation);
  const table = recordTable(seqShown, io.stdout.isTTY === true);
  for await (const entry of log.watch(tag, { since, signal })) {
    await output.result({ ...entry }, table.row({ ...entry, digest: entry.target?.digest }));
  }
}
