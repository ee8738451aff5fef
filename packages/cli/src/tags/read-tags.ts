import type { Command } from "commander";
import { isLive } from "@bitstore/core";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { parseWhole } from "../input/parse-whole.ts";
import { entryAt } from "./entry-at.ts";
import { openTagLog } from "./open-tag-log.ts";
import { entryLine, entryLines, recordTable } from "./tag-lines.ts";
import { parseTagArgument, parseTagReference } from "./tag-reference.ts";

interface GetOptions {
  readonly long?: boolean;
}

interface LogOptions {
  readonly number?: number;
  readonly before?: number;
}

interface ListOptions {
  readonly deleted?: boolean;
  readonly after?: string;
  readonly number?: number;
  readonly long?: boolean;
}

/** Heads that a long list reads at a time. */
const headsInWorkMax = 16;

/** Declares `tag get`, `tag log` and `tag ls`. */
export function registerTagReads(tag: Command, frame: Frame): void {
  tag
    .command("get")
    .summary("print the digest that a tag names")
    .description(
      "Prints the digest that the tag names now, named at sequence SEQ, or named at TIME: " +
        "2026-11-20T08:30:00Z, 2026-11-20 for its first moment in UTC, or 2h for two hours ago. " +
        "--json prints the whole entry. Exits with 3, and says which, if the tag was deleted, or " +
        "was never set.",
    )
    .argument("<name>", "NAME, NAME@SEQ or NAME@TIME")
    .option("-l, --long", "print all of the entry: who, when, why, annotations")
    .action(frame.action(getTag));
  tag
    .command("log")
    .summary("print the history of a tag, newest first")
    .description(
      "Prints an entry a line, newest first, as they are read. A terminal is shown the beginnings of " +
        "digests; `tag get NAME@SEQ` prints a whole one. Exits with 3 if the tag was never set.",
    )
    .argument("<name>", "the tag")
    .option("-n, --number <count>", "print at most this many", parseWhole)
    .option("--before <seq>", "begin below this sequence", parseWhole)
    .action(frame.action(logTag));
  tag
    .command("ls")
    .summary("list the tags")
    .description(
      "Prints the names of tags, one a line, in the order in which the bucket lists them: that of the " +
        "names, with a capital or a slash before all else.",
    )
    .argument("[prefix]", "list names that start so, such as models/")
    .option("--deleted", "list deleted tags as well")
    .option("--after <name>", "list the names that come after this one")
    .option("-n, --number <count>", "list at most this many", parseWhole)
    .option("-l, --long", "print what each names, too: digest, NAME@SEQ, time, actor")
    .action(frame.action(listTags));
}

async function getTag(
  invocation: Invocation,
  [argument = ""]: readonly string[],
  { long = false }: GetOptions,
): Promise<void> {
  const { output, signal } = invocation;
  const reference = parseTagReference(argument, Date.now());
  const log = openTagLog(await invocation.openStore(), invocation);
  const about = { operation: "get", subject: reference.name };
  const entry = await entryAt(log, reference, about, signal);
  await output.result({ ...entry }, ...(long ? entryLines(entry) : [entry.target.digest]));
}

async function logTag(
  invocation: Invocation,
  [argument = ""]: readonly string[],
  { number, before }: LogOptions,
): Promise<void> {
  const { io, output, settings, signal } = invocation;
  const tag = parseTagArgument(argument);
  const log = openTagLog(await invocation.openStore(), invocation);
  let table: ReturnType<typeof recordTable> | undefined;
  for await (const record of log.history(tag, { before, limit: number, signal })) {
    if (signal.aborted) throw signal.reason;
    if (table === undefined) {
      table = recordTable(record.seq, io.stdout.isTTY === true);
      if (!settings.json) await output.result({}, table.title);
    }
    await output.result(record, table.row(record));
  }
  // Nothing below a sequence is an answer; no sequence at all is most likely a mistyped name.
  if (table === undefined && (await log.head(tag, { signal })) === undefined) {
    await entryAt(log, { name: tag }, { operation: "log", subject: tag }, signal);
  }
}

async function listTags(
  invocation: Invocation,
  [prefix]: readonly string[],
  { deleted, after, number, long = false }: ListOptions,
): Promise<void> {
  const { output, signal } = invocation;
  const log = openTagLog(await invocation.openStore(), invocation);
  const names = log.list({ prefix, deleted, startAfter: after, limit: number, signal });
  if (!long) {
    for await (const tag of names) {
      if (signal.aborted) throw signal.reason;
      await output.result({ tag }, tag);
    }
    return;
  }
  const heads = mapOrdered(names, headsInWorkMax, (tag) => log.head(tag, { signal }));
  for await (const entry of heads) {
    if (signal.aborted) throw signal.reason;
    // One may be deleted between the list and the look.
    if (entry === undefined || (!isLive(entry) && deleted !== true)) continue;
    const { time, actor } = entry;
    await output.result({ ...entry }, `${entryLine(entry)}  ${time}  ${escapeControls(actor)}`);
  }
}
