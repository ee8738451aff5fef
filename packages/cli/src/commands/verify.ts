import type { Command } from "commander";
import { parseByteSize } from "@bitstore/config";
import {
  type Copies,
  copiesOf,
  type CopyCheck,
  listCopies,
  scrubCopies,
  type ScrubEnd,
  type ScrubLimits,
  StoreError,
  type Tier,
} from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { type BlobArguments, blobArguments } from "../input/blob-argument.ts";
import { parseDuration } from "../input/parse-duration.ts";
import { readDigests } from "../input/read-digests.ts";
import { showStatusLine } from "../output/status-line.ts";
import { type CursorFile, openCursorFile } from "../verify/cursor-file.ts";
import { noteNotAllowed, reportCheck, reportTotals, tallies } from "../verify/report-checks.ts";

interface VerifyOptions {
  readonly quick?: boolean;
  readonly repair?: boolean;
  readonly budget?: number;
  readonly rate?: number;
  readonly time?: number;
  readonly cursor?: string;
}

/** Declares `verify`. */
export function registerVerify(program: Command, frame: Frame): void {
  const bytes = (text: string): number => parseByteSize(text);
  program
    .command("verify")
    .summary("read blobs again and tell which are corrupt")
    .description(
      "Reads every blob that each tier lists, or those that IDS name, from that tier alone, and " +
        "compares it with its digest. A copy counts as corrupt if two reads of it disagree with the " +
        "digest. Exits with 4 if any is corrupt, 3 if an ID is in no tier, 7 if any can't be read. " +
        "Nothing is changed without --repair, and with it only corrupt copies in caches and in tiers " +
        "with heal=true: their bytes are kept under quarantine/ in the tier, and what the first other " +
        "tier has takes their place; what was repaired does not count toward the exit status. With " +
        "--quick the size that a tier lists is compared with what the other tiers list of the blob: " +
        "OK are those that agree, those that differ are read, and UNREAD is what one tier alone " +
        "lists, so that there is nothing to compare it with; of none of them the bytes are known.",
    )
    .argument("[ids...]", "digests, @TAGs, or files that list them; - is standard input; else all")
    .option("--tier <name>", "check this tier of the config alone (repeatable); a URL is a store")
    .option("--quick", "compare the sizes that the tiers list, and read only where they differ")
    .option("--repair", "replace corrupt copies in caches and in tiers with heal=true")
    .option("--budget <size>", "begin no other blob once so much was read, such as 10GiB", bytes)
    .option("--rate <size>", "read no more than this within a second, such as 50MiB", bytes)
    .option("--time <time>", "begin no other blob after this time: 45s, 90m, 12h", parseDuration)
    .option("--cursor <file>", "go on where the last run with this file ended, and keep it there")
    .action(frame.action(verify));
}

async function verify(
  invocation: Invocation,
  args: readonly string[],
  options: VerifyOptions,
): Promise<void> {
  const { settings, output, io, signal } = invocation;
  const { quick = false, repair = false } = options;
  checkUsage(args, options);
  // The global --tier takes URLs. A bare word, which elsewhere would be a folder, is a name here.
  const names = settings.tiers.filter(isName).map(({ url }) => url);
  const stores = settings.tiers.filter((argument) => !isName(argument));
  const opened = await invocation.openStore({ ...settings, tiers: stores });
  const chosen = chooseTiers(opened.store.tiers, names);
  const isAll = args.length === 0;
  const tiers = isAll ? listable(chosen, names.length > 0, invocation) : chosen;
  const cursor = await cursorOf(options, tiers, invocation);
  const items = isAll
    ? listCopies(tiers, { startAfter: cursor?.after, signal })
    : named(
        args,
        chosen,
        invocation,
        blobArguments(invocation, async () => opened),
      );

  const totals = tallies(chosen);
  using line = showStatusLine({ io, output }, () => {
    const sum = { blobs: 0, bytes: 0 };
    for (const { counts, bytes } of totals.values()) {
      sum.blobs += counts.ok + counts.corrupt + counts.missing + counts.failed + counts.unread;
      sum.bytes += bytes;
    }
    return `${formatCount(sum.blobs, "blob")} read, ${formatBytes(sum.bytes)}`;
  });
  let end: ScrubEnd | undefined;
  try {
    end = await scrubCopies(items, {
      quick,
      best: repair ? opened.store : undefined,
      limits: limitsOf(options),
      signal,
      async report({ digest, checks }) {
        for (const check of checks) await reportCheck(invocation, check, totals);
        countMissing(invocation, checks);
        // What could not be read is tried again by the next run, unless others after it could be.
        const isRead = checks.every(({ status }) => status !== "failed");
        if (isRead) await cursor?.note(digest);
      },
    });
  } finally {
    await cursor?.close(end?.reason === "done");
  }
  line.stop();
  await reportTotals(invocation, totals, { quick, repair });
  noteNotAllowed(invocation, totals);
  if (isBounded(options)) await reportEnd(invocation, end, options.cursor);
}

function checkUsage(args: readonly string[], options: VerifyOptions): void {
  if (options.cursor !== undefined && args.length > 0) {
    throw badUsage(
      "--cursor goes on with a list of all blobs, and IDs were given",
      "leave out one of them",
    );
  }
  if (options.quick === true && args.length > 0) {
    throw badUsage(
      "--quick compares what the tiers list, and IDs were given",
      "leave out one of them",
    );
  }
  if (options.rate === 0) {
    throw badUsage("--rate 0 would read nothing, for ever", "such as --rate 50MiB");
  }
}

/** Blobs in a row that can't be read, after which a run with a cursor leaves the rest to the next. */
const failuresInRowMax = 100;

function limitsOf({ budget, rate, time, cursor }: VerifyOptions): ScrubLimits {
  const limits = { bytesMax: budget, bytesPerSecondMax: rate, runMsMax: time };
  return cursor === undefined ? limits : { ...limits, failuresInRowMax };
}

function isBounded({ budget, rate, time, cursor }: VerifyOptions): boolean {
  return [budget, rate, time, cursor].some((option) => option !== undefined);
}

async function cursorOf(
  { cursor, quick = false }: VerifyOptions,
  tiers: readonly Tier[],
  invocation: Invocation,
): Promise<CursorFile | undefined> {
  if (cursor === undefined) return undefined;
  return await openCursorFile(cursor, { tiers: tiers.map(({ name }) => name), quick }, invocation);
}

/** Tells why a run ended that was given limits, and how the next goes on. */
async function reportEnd(
  { output, settings }: Invocation,
  { reason, blobs, bytesRead }: ScrubEnd,
  cursor: string | undefined,
): Promise<void> {
  if (settings.json) {
    await output.result({ end: reason, blobs, bytesRead });
    return;
  }
  const read = `${formatCount(blobs, "blob")}, ${formatBytes(bytesRead)} read`;
  const next = cursor === undefined ? "" : "; the same command goes on";
  const why = {
    done: "all is done",
    bytes: "ended by --budget",
    time: "ended by --time",
    blobs: "ended",
    failures: `ended after ${failuresInRowMax} blobs in a row that can't be read`,
  };
  output.note(`${why[reason]}: ${read}${reason === "done" ? "" : next}`);
}

function isName({ kind, url }: Invocation["settings"]["tiers"][number]): boolean {
  return kind === "tier" && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(url);
}

function chooseTiers(tiers: readonly Tier[], names: readonly string[]): readonly Tier[] {
  if (names.length === 0) return tiers;
  const known = tiers.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw badUsage(
      `no tier is named ${JSON.stringify(unknown)}`,
      `they are ${known.join(", ")}; a folder is written with a slash, as ./${unknown}`,
    );
  }
  return tiers.filter(({ name }) => names.includes(name));
}

/** Leaves tiers that can't list out, but not where one was asked for by its name. */
function listable(
  tiers: readonly Tier[],
  isNamed: boolean,
  { output }: Invocation,
): readonly Tier[] {
  const can = tiers.filter(({ source }) => source.capabilities.list);
  const silent = tiers.filter((tier) => !can.includes(tier)).map(({ name }) => name);
  if (silent.length === 0) return can;
  const message = `it can't list: ${silent.join(", ")}; give the digests to be checked`;
  if (isNamed || can.length === 0) {
    throw new StoreError({ code: "UNSUPPORTED", operation: "verify", message });
  }
  output.note(`left out, since ${message}`);
  return can;
}

/** Reads the digests that were given, and tells of those that are none. */
async function* named(
  args: readonly string[],
  tiers: readonly Tier[],
  invocation: Invocation,
  blobs: BlobArguments,
): AsyncGenerator<Copies> {
  for await (const given of readDigests(args, invocation, blobs)) {
    if ("digest" in given) yield copiesOf(given.digest, tiers);
    else invocation.fail(given.error, given.input);
  }
}

/** A blob is missing where no tier has it; that a cache, or one of many, has none is as it may be. */
function countMissing({ count }: Invocation, checks: readonly CopyCheck[]): void {
  if (checks.length > 0 && checks.every(({ status }) => status === "missing")) count("NOT_FOUND");
}
