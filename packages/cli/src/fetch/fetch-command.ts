import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type ErrorCode, isDigest, isStoreError } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { escapeControls as shown } from "../frame/escape-controls.ts";
import { badUsage } from "../frame/hinted.ts";
import { blobArguments, namesTag } from "../input/blob-argument.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import { directorySink } from "./directory-sink.ts";
import { countLines, fetchProgress, tiersOf } from "./fetch-progress.ts";
import { malformedIds } from "./malformed-ids.ts";
import { parseNameTemplate } from "./name-template.ts";
import { type IdFormat, readIds } from "./read-ids.ts";
import { resolveIds } from "./resolve-ids.ts";
import { openReport } from "./report.ts";
import { type FetchTally, type ReportLine, runFetch } from "./run-fetch.ts";
import type { Sink } from "./sink.ts";
import { tarSink } from "./tar-sink.ts";

interface FetchOptions {
  readonly to: string;
  readonly concurrency: string;
  readonly ordered?: boolean;
  readonly report?: string;
  readonly failFast?: boolean;
  readonly name: string;
  readonly column?: string;
  readonly format?: string;
}

/** Digests in work at a time, unless told: enough to hide a cloud's round trip, few enough to hold. */
const concurrencyDefault = 64;
const concurrencyLimit = 4096;
/** Digests that are named on stderr; a report names them all. */
const namedMax = 20;

/** Declares `fetch`, the bulk fetch. */
export function registerFetch(program: Command, frame: Frame): void {
  program
    .command("fetch")
    .summary("fetch many blobs by their digests into a directory or a tar archive")
    .description(
      "Writes each blob that IDS lists into a file of its own below a directory, or into a tar " +
        "archive, verified. A list has one digest or @TAG a line, of which the first word counts; of " +
        "CSV the column --column is read, else the first of digest, sha256, sha1, hash and id; of " +
        "NDJSON the property --column, else digest. A digest that comes again is not fetched again. " +
        "Each ends up as fetched (from a source), cached (from a cache), present (it was in the " +
        "directory before), missing (no tier has it) or failed (it can't be told, or is no digest); " +
        "one that is missing or failed does not stop the others. The first 20 of those are named on " +
        'stderr, all of them by --report: a JSON line for each digest, of the form {"digest", ' +
        '"status", "tier", "size", "elapsedMs", "error": {"code", "message"}}, without ' +
        "what there is none of; --json prints the same lines. A fetch into a directory that was " +
        "stopped goes on where it was if the same command is run again: a file has its name only " +
        "once it is whole, and what is present is not asked for. An archive is written from the " +
        "start. Exits with 7 if any failed, else with 3 if any is missing.",
    )
    .argument("[ids]", "a file of digests or @TAGs, or - for the standard input", "-")
    .requiredOption("--to <target>", "a directory, FILE.tar, or - for a tar on the standard output")
    .option("--concurrency <n>", "digests in work at a time", String(concurrencyDefault))
    .option("--ordered", "deliver and report in the order of the input")
    .option("--report <file>", "write a JSON line for each digest")
    .option("--fail-fast", "stop at the first that is missing or failed")
    .option("--name <template>", "file names: {algorithm} {hex} {hex:0:2}", "{hex}")
    .option("--column <name>", "the column of CSV or NDJSON that holds the digests")
    .option("--format <format>", "lines, csv or ndjson; else told by the file's name")
    .action(frame.action(fetchCommand));
}

async function fetchCommand(
  invocation: Invocation,
  [from = "-"]: readonly string[],
  options: FetchOptions,
): Promise<void> {
  const { io, output, settings, signal } = invocation;
  const concurrencyMax = parseConcurrency(options.concurrency);
  const nameOf = parseNameTemplate(options.name);
  const format = parseFormat(options.format);
  if (options.to === "-" && settings.json) {
    throw badUsage("the archive and --json both want the standard output", "use --report FILE");
  }
  const input = from === "-" ? "-" : resolve(io.cwd, from);
  if ((isDigest(from) || namesTag(from)) && !existsSync(input)) throw noList(from, options.to);
  const total = output.showsProgress && format !== "csv" ? await countLines(input) : undefined;
  const { store } = await invocation.openStore();
  await using sink = await openSink(options.to, io, nameOf);
  await using report =
    options.report === undefined ? undefined : await openReport(resolve(io.cwd, options.report));
  const startedMs = performance.now();
  // Who named a column needs no word of how to name one.
  const malformed = malformedIds(options.column === undefined ? output.note : () => undefined);
  const read = readIds({
    from: input,
    column: options.column,
    format,
    stdin: io.stdin,
    onMalformed: malformed.add,
  });
  const resolved = resolveIds(read, blobArguments(invocation), signal);
  using progress = fetchProgress(io, output, total);
  const tally = await runFetch({
    source: store,
    ids: resolved.ids,
    problemOf: (id) => resolved.problemOf(id) ?? malformed.problemOf(id),
    sink,
    concurrencyMax,
    ordered: options.ordered ?? false,
    failFast: options.failFast ?? false,
    signal,
    onOutcome: async (line, soFar) => {
      progress.update(soFar);
      await report?.write(line);
      await tell(line, soFar, invocation, options.report);
    },
  })
    .finally(() => {
      // A list that nobody reads any more must not keep the process waiting for its end.
      if (input === "-") io.stdin.destroy();
    })
    .catch((error: unknown) => {
      if (isStoreError(error, "ABORTED")) {
        output.note(stoppedWords(options.to));
      }
      throw error;
    });
  progress[Symbol.dispose]();
  for (const code of codesOf(tally)) invocation.count(code);
  summarise(invocation, tally, performance.now() - startedMs);
}

function noList(id: string, to: string): Error {
  return badUsage(
    `${shown(id)} is no file of IDs but an ID, and fetch reads a list`,
    `echo ${shown(id)} | bitstore fetch - --to ${shown(to)}, or bitstore get ${shown(id)} -o FILE; ` +
      "bitstore has tells whether it is there",
  );
}

function openSink(
  target: string,
  io: Invocation["io"],
  nameOf: ReturnType<typeof parseNameTemplate>,
): Promise<Sink> {
  if (target === "-") return tarSink(io.stdout, nameOf);
  if (/\.(tgz|tar\.\w+)$/i.test(target)) {
    throw badUsage(
      `${shown(target)} would be a compressed tar archive, which is not written`,
      "write FILE.tar, or --to - and pipe it through a compressor",
    );
  }
  const path = resolve(io.cwd, target);
  return isArchive(target) ? tarSink(path, nameOf) : directorySink(path, nameOf);
}

function isArchive(target: string): boolean {
  return target === "-" || /\.tar$/i.test(target);
}

/** Says what comes of what there is if a run that was stopped is done again. */
function stoppedWords(target: string): string {
  return isArchive(target)
    ? "stopped; the same command writes the archive from the start, only a directory goes on where " +
        "it stopped"
    : "stopped; run the same command again, it goes on where it stopped";
}

async function tell(
  line: ReportLine,
  tally: FetchTally,
  { settings, output }: Invocation,
  report: string | undefined,
): Promise<void> {
  if (settings.json) {
    await output.result(line);
    return;
  }
  if (line.status !== "missing" && line.status !== "failed") return;
  const named = tally.counts.missing + tally.counts.failed;
  if (named > namedMax + 1) return;
  if (named > namedMax) {
    const namesAll = report === undefined ? "--report FILE" : shown(report);
    output.note(`more are missing or failed; ${namesAll} names them all`);
  } else if (line.status === "missing") {
    // Of a tag it is said why it names nothing; of a digest there is nothing more to say.
    output.aside(line, `missing  ${shown(line.error?.message ?? line.digest)}`);
  } else output.aside(line, `failed   ${shown(line.error?.message ?? line.digest)}`);
}

function summarise({ output }: Invocation, tally: FetchTally, elapsedMs: number): void {
  const total = Object.values(tally.counts).reduce((sum, count) => sum + count, 0);
  const rate = formatBytes(Math.round(tally.bytes / (elapsedMs / 1000)));
  output.note(
    `${formatCount(total, "digest")} in ${formatMs(elapsedMs)}, ` +
      `${formatBytes(tally.bytes)} (${rate}/s): ${tiersOf(tally) || "nothing to do"}`,
  );
}

/** What the counts mean for the exit status: 7 where any failed, 3 where any is missing. */
function codesOf({ counts }: FetchTally): readonly ErrorCode[] {
  if (counts.failed > 0) return ["UNAVAILABLE"];
  return counts.missing > 0 ? ["NOT_FOUND"] : [];
}

function parseConcurrency(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= concurrencyLimit) return value;
  throw badUsage(
    `--concurrency ${shown(text)} is not a number from 1 to ${concurrencyLimit}`,
    `leave it out for ${concurrencyDefault}`,
  );
}

function parseFormat(text: string | undefined): IdFormat | undefined {
  if (text === undefined || text === "lines" || text === "csv" || text === "ndjson") return text;
  throw badUsage(`--format ${shown(text)} is not known`, "it is lines, csv or ndjson");
}
