import type { Command } from "commander";
import { type BitstoreConfig, formatStoreLocation, type StoreConfig } from "@bitstore/config";
import {
  type Bucket,
  createDisposal,
  type Disposal,
  isStoreError,
  StoreError,
} from "@bitstore/core";
import {
  collectGarbage,
  enableGc,
  gcNotEnabledCode,
  type GcProgress,
  type GcReport,
  graceMsDefault,
  graceMsMin,
  metadataIdOf,
  metadataRoots,
  noTagsCode,
} from "@bitstore/gc";
import { placeOf } from "@bitstore/tags";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage, hinted } from "../frame/hinted.ts";
import { formatCount } from "../frame/units.ts";
import { parseDuration } from "../input/parse-duration.ts";
import { parseWhole } from "../input/parse-whole.ts";
import { showStatusLine } from "../output/status-line.ts";
import { readConfig } from "../store/open-store.ts";
import { openStoreFolder } from "../store/tier-bucket.ts";
import { chooseTiers, openCollections, openGcTiers } from "./gc-tiers.ts";
import { formatGrace, gcReportLines } from "./gc-report-lines.ts";

interface GcCommandOptions {
  readonly dryRun?: boolean;
  readonly delete?: boolean;
  readonly enable?: boolean;
  readonly grace?: number;
  readonly keepVersions?: number;
  readonly keepDays?: number;
}

/** Declares `gc`. */
export function registerGc(program: Command, frame: Frame): void {
  program
    .command("gc")
    .summary("find what nothing names any more, and delete it")
    .description(
      "Finds blobs that no tag's history, no pin and no lease names, and which are older than the " +
        "grace. Without --delete it only reports. With --delete they are moved to the trash, from " +
        "which reads still bring them back; a later run, at least a grace after, deletes them there " +
        "for good, once it has looked again. All history keeps its blobs unless --keep-versions or " +
        "--keep-days says otherwise; what a tag names now is always kept. Collected are the origin, " +
        "caches in buckets and tiers with readOnly=false, each only once it was --enabled, which " +
        "ties it to this metadata bucket. Exits with 7 if a blob could not be dealt with, and with 5 " +
        "if a lease holds everything.",
    )
    .option("--dry-run", "report what would be done (default)")
    .option("--delete", "do it")
    .option("--enable", "allow collection in the tiers by this metadata bucket, and set the grace")
    .option("--tier <name>", "these tiers of the config alone (repeatable); a URL is a store")
    .option(
      "--grace <time>",
      `how long a blob that nothing names is left alone, such as 30d (${formatGrace(graceMsDefault)})`,
      parseDuration,
    )
    .option("--keep-versions <n>", "of each tag's history the newest n blobs", parseWhole)
    .option("--keep-days <n>", "what a tag named at any time in the last n days", parseWhole)
    .action(
      frame.action<GcCommandOptions>(async (invocation, _args, options) => {
        await gc(invocation, options).catch((error: unknown) => {
          throw advised(error);
        });
      }),
    );
}

async function gc(invocation: Invocation, options: GcCommandOptions): Promise<void> {
  const { settings, io } = invocation;
  checkOptions(options);
  // The global --tier takes URLs. A bare word, which elsewhere would be a folder, is a name here.
  const names = settings.tiers.filter(isName).map(({ url }) => url);
  const rest = settings.tiers.filter((argument) => !isName(argument));
  const config = await readConfig({ ...settings, tiers: rest }, io);
  refuseServers(config);
  await using opened = createDisposal();
  const metadata = opened.add(await openStoreFolder(metadataOf(config), io));
  if (options.enable === true) await enable(invocation, config, names, metadata, options, opened);
  else await collect(invocation, config, names, metadata, options, opened);
}

async function enable(
  { io, output, signal }: Invocation,
  { tiers }: BitstoreConfig,
  names: readonly string[],
  metadata: Bucket,
  { grace: graceMs = graceMsDefault }: GcCommandOptions,
  opened: Disposal,
): Promise<void> {
  const chosen = await openGcTiers(chooseTiers(tiers, names), { io, metadata }, opened);
  const metadataId = await metadataIdOf(metadata, { signal });
  for (const { name, bucket, layout } of chosen) {
    const metadataPlace = placeOf(metadata);
    const outcome = await enableGc(bucket, layout, { metadataId, metadataPlace, graceMs, signal });
    const text = `${escapeControls(name)}  ${outcome}  grace ${formatGrace(graceMs)}`;
    await output.result({ tier: name, outcome, graceMs, metadataId }, text);
  }
  output.note(
    "restart processes of older releases that use these tiers; the first --delete may be run in " +
      "ten minutes",
  );
}

async function collect(
  invocation: Invocation,
  { tiers }: BitstoreConfig,
  names: readonly string[],
  metadata: Bucket,
  options: GcCommandOptions,
  opened: Disposal,
): Promise<void> {
  const { io, output, signal } = invocation;
  const { keepVersions, keepDays, grace: graceMs } = options;
  const dryRun = options.delete !== true;
  const chosen = await openGcTiers(chooseTiers(tiers, names), { io, metadata }, opened);
  const metadataId = await metadataIdOf(metadata, { signal });
  const blobs = await openCollections(tiers, { io, signal, mayWrite: !dryRun, metadata }, opened);
  const progress = progressWords();
  using line = showStatusLine(invocation, () => progress.words());
  const report = await collectGarbage({
    tiers: chosen,
    metadata,
    metadataId,
    roots: metadataRoots(metadata),
    blobs,
    retention: { keepVersions, keepDays },
    dryRun,
    graceMs,
    onProgress: (each) => progress.add(each),
    signal,
  });
  line.stop();
  await output.result({ ...report }, ...gcReportLines(report));
  conclude(invocation, report);
}

/** Tells what is to be known beside the report, and counts what decides the exit status. */
function conclude({ output, count }: Invocation, report: GcReport): void {
  const { tiers, pausedBy, dryRun, lapsedLeases, failedLeases } = report;
  if (failedLeases > 0) output.note(`${failedLeases} lapsed leases could not be removed`);
  if (failedLeases > 0 || tiers.some(({ failed }) => failed > 0)) count("UNAVAILABLE");
  if (pausedBy !== undefined && !dryRun) count("PRECONDITION_FAILED");
  if (lapsedLeases.length > 0) {
    const holders = lapsedLeases.map(({ holder }) => holder).slice(0, 3);
    output.note(`leases have lapsed without being released, of ${holders.join(", ")}`);
  }
  if (!dryRun) return;
  const off = tiers.filter(({ enabled }) => !enabled).map(({ tier }) => tier);
  output.note(
    off.length === 0
      ? "a dry run: nothing was changed; --delete does it"
      : `a dry run: nothing was changed; before --delete, bitstore gc --enable for ${off.join(", ")}`,
  );
}

function progressWords(): { add(progress: GcProgress): void; words(): string } {
  let blobs = 0;
  let where = "";
  return {
    add({ phase, tier, digest }) {
      where = tier === undefined ? phase : `${phase} ${escapeControls(tier)}`;
      if (digest !== undefined) blobs += 1;
    },
    words: () => `${where}: ${formatCount(blobs, "blob")}`,
  };
}

function checkOptions(options: GcCommandOptions): void {
  if (options.grace !== undefined && options.grace < graceMsMin) {
    throw badUsage(
      `--grace is to be ${graceMsMin / 3_600_000}h at least`,
      "--grace 30d, for instance: what was put has so long to be tagged",
    );
  }
  if (options.delete === true && options.dryRun === true) {
    throw badUsage("--dry-run and --delete say the opposite", "a dry run is the default");
  }
  if (options.enable === true && options.delete === true) {
    throw badUsage("--enable is a run of its own", "run gc --delete ten minutes after it");
  }
  if (options.delete === true && options.grace !== undefined) {
    throw badUsage(
      "--delete goes by the grace that the tiers were enabled with",
      "bitstore gc --enable --grace TIME changes it",
    );
  }
}

/** What is kept is known where the tags lie, and that is where the server is. */
function refuseServers({ tiers, metadata }: BitstoreConfig): void {
  const origin = tiers.find((tier) => tier.origin)?.store;
  const server = [metadata, origin].find((store) => store?.location.kind === "bitstore");
  if (server === undefined) return;
  throw hinted({
    code: "UNSUPPORTED",
    operation: "gc",
    source: formatStoreLocation(server.location),
    message: "another bitstore is collected where it is, not through its server",
    hint: "run bitstore gc on that machine, with the config that its bitstore serve has",
  });
}

function metadataOf({ metadata }: BitstoreConfig): StoreConfig {
  if (metadata !== undefined) return metadata;
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "gc",
    message: "nothing says what is kept; say metadata in the config, or --metadata URL",
  });
}

function isName({ kind, url }: Invocation["settings"]["tiers"][number]): boolean {
  return kind === "tier" && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(url);
}

/** Says the way out of what the config can't be the matter of. */
function advised(error: unknown): unknown {
  if (!isStoreError(error, "CONFIG_INVALID") || error.operation !== "gc") return error;
  if (error.serviceCode === gcNotEnabledCode) {
    return Object.assign(error, { hint: "bitstore gc --enable, once you have read gc --help" });
  }
  if (error.serviceCode === noTagsCode) {
    return Object.assign(error, { hint: "bitstore tag set NAME DIGEST" });
  }
  return error;
}
