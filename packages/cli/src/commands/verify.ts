import type { Command } from "commander";
import { StoreError, type Tier } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { type BlobArguments, blobArguments } from "../input/blob-argument.ts";
import { type GivenDigest, readDigests } from "../input/read-digests.ts";
import { showStatusLine } from "../output/status-line.ts";
import { checkBlob, type Check } from "../verify/check-blob.ts";
import { reportCheck, reportTotals, tallies } from "../verify/report-checks.ts";

/** Blobs that are read at a time. */
const blobsInWorkMax = 16;

/** Declares `verify`. */
export function registerVerify(program: Command, frame: Frame): void {
  program
    .command("verify")
    .summary("read blobs again and tell which are corrupt")
    .description(
      "Reads every blob that each tier lists, or those that IDS name, from that tier alone, and " +
        "compares it with its digest. A copy counts as corrupt if two reads of it disagree with the " +
        "digest. Exits with 4 if any is corrupt, 3 if an ID is in no tier, 7 if any can't be read. " +
        "Nothing is changed.",
    )
    .argument("[ids...]", "digests, @TAGs, or files that list them; - is standard input; else all")
    .option("--tier <name>", "check this tier of the config alone (repeatable); a URL is a store")
    .action(frame.action(verify));
}

async function verify(invocation: Invocation, args: readonly string[]): Promise<void> {
  const { settings, output, io, signal, fail } = invocation;
  // The global --tier takes URLs. A bare word, which elsewhere would be a folder, is a name here.
  const names = settings.tiers.filter(isName).map(({ url }) => url);
  const tiers = settings.tiers.filter((argument) => !isName(argument));
  const opened = await invocation.openStore({ ...settings, tiers });
  const { store } = opened;
  const chosen = chooseTiers(store.tiers, names);
  const items =
    args.length === 0
      ? listAll(listable(chosen, names.length > 0, invocation), signal)
      : named(
          args,
          chosen,
          invocation,
          blobArguments(invocation, async () => opened),
        );

  const totals = tallies(chosen);
  using line = showStatusLine({ io, output }, () => {
    const sum = { blobs: 0, bytes: 0 };
    for (const tally of totals.values()) {
      sum.blobs += tally.ok + tally.corrupt + tally.missing + tally.failed;
      sum.bytes += tally.bytes;
    }
    return `${formatCount(sum.blobs, "blob")} read, ${formatBytes(sum.bytes)}`;
  });
  const results = mapOrdered(items, blobsInWorkMax, async ({ given, tiers: asked }) => {
    if (!("digest" in given)) return { given, checks: [] };
    const { digest } = given;
    return {
      given,
      checks: await Promise.all(asked.map((tier) => checkBlob(tier, digest, signal))),
    };
  });
  for await (const { given, checks } of results) {
    if (signal.aborted) throw signal.reason;
    if (!("digest" in given)) fail(given.error, given.input);
    for (const check of checks) await reportCheck(invocation, check, totals);
    countMissing(invocation, checks);
  }
  line.stop();
  await reportTotals(invocation, totals);
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

interface Item {
  readonly given: GivenDigest;
  readonly tiers: readonly Tier[];
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

async function* listAll(tiers: readonly Tier[], signal: AbortSignal): AsyncGenerator<Item> {
  for (const tier of tiers) {
    for await (const { digest } of tier.source.list({ signal })) {
      yield { given: { input: digest, digest }, tiers: [tier] };
    }
  }
}

async function* named(
  args: readonly string[],
  tiers: readonly Tier[],
  invocation: Invocation,
  blobs: BlobArguments,
): AsyncGenerator<Item> {
  for await (const given of readDigests(args, invocation, blobs)) yield { given, tiers };
}

/** A blob is missing where no tier has it; that a cache, or one of many, has none is as it may be. */
function countMissing({ count }: Invocation, checks: readonly Check[]): void {
  if (checks.length > 0 && checks.every(({ status }) => status === "missing")) count("NOT_FOUND");
}
