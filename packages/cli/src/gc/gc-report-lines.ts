import type { Digest } from "@bitstore/core";
import { type GcFate, gcFates, type GcReport, type GcTierReport } from "@bitstore/gc";
import { escapeControls } from "../frame/escape-controls.ts";
import { formatTable } from "../frame/table.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";

/** What became of blobs, in words. */
const done: Readonly<Record<GcFate, string>> = {
  named: "kept: a tag, a pin or a lease names it",
  young: "kept: nothing names it, and its grace is not over",
  swept: "moved to the trash: nothing names it",
  left: "left for the next run",
  renewed: "kept: put again meanwhile",
  gone: "gone: deleted by somebody else meanwhile",
  slow: "left: too large to be copied in time",
  corrupt: "left: its bytes are not what its digest names",
  kept: "in the trash: its time is not over",
  purged: "deleted from the trash for good",
  restored: "brought back from the trash: something names it again",
  dropped: "deleted from the trash: it is in its place again",
};

/** What would become of them, of those that a run without --delete leaves as they are. */
const planned: Readonly<Partial<Record<GcFate, string>>> = {
  swept: "would go to the trash: nothing names it",
  purged: "would be deleted from the trash for good",
  restored: "would be brought back from the trash: something names it again",
  dropped: "would be deleted from the trash: it is in its place again",
};

/** Fates of which the blobs are named. */
const told: readonly GcFate[] = ["swept", "slow", "corrupt", "purged", "restored"];

/** Blobs of one fate that are named in a tier; `--json` names more. */
const toldMax = 20;

/** Fates that are shown even where no blob met them. */
const always: ReadonlySet<GcFate> = new Set<GcFate>(["named", "young", "swept", "purged"]);

/** Writes a report: what was found to name blobs, and a table for each tier. */
export function gcReportLines({ marks, tiers, pausedBy, dryRun }: GcReport): readonly string[] {
  const { tags, entries, collections, pins, leases } = marks;
  const found = [
    `${formatCount(entries, "entry")} of ${formatCount(tags, "tag")}`.replace("entrys", "entries"),
    formatCount(collections, "collection"),
    formatCount(pins, "pin"),
    formatCount(leases, "lease"),
  ];
  const lines = [`named by: ${found.join(", ")}`];
  if (pausedBy !== undefined) {
    const why = pausedBy.reason === undefined ? "" : ` (${pausedBy.reason})`;
    lines.push(
      escapeControls(`nothing was collected: a lease of ${pausedBy.holder} holds all${why}`),
    );
    return lines;
  }
  for (const tier of tiers) lines.push("", ...tierLines(tier, dryRun));
  return lines;
}

function tierLines(report: GcTierReport, dryRun: boolean): readonly string[] {
  const { tier, graceMs, fates, byPinAlone, byLeaseAlone, failed, failures, shown } = report;
  const rows = gcFates
    .filter((fate) => always.has(fate) || fates[fate].count > 0)
    .map((fate) => rowOf((dryRun ? planned[fate] : undefined) ?? done[fate], fates[fate]));
  const more = [
    rowOf("  by pins alone", byPinAlone),
    rowOf("  by leases alone", byLeaseAlone),
  ].filter(([, count]) => count !== "0");
  rows.splice(1, 0, ...more);
  const right = { align: "right" } as const;
  const title = `${escapeControls(tier)} (grace ${formatGrace(graceMs)})`;
  const columns = [{ title }, { title: "BLOBS", ...right }, { title: "BYTES", ...right }];
  return [
    ...formatTable(columns, rows),
    ...told.flatMap((fate) => namedLines(fate, shown[fate] ?? [], fates[fate].count)),
    ...(failed === 0 ? [] : [`${formatCount(failed, "blob")} failed; the next run tries again`]),
    ...failures.map(({ digest, message }) => `failed  ${digest}  ${escapeControls(message)}`),
  ];
}

/** Names the first of the blobs that met a fate, so that it can be seen what they are. */
function namedLines(fate: GcFate, digests: readonly Digest[], count: number): readonly string[] {
  const first = digests.slice(0, toldMax).map((digest) => `${fate}  ${digest}`);
  const rest = count - first.length;
  return rest === 0 ? first : [...first, `${fate}  ${rest.toLocaleString("en-US")} more`];
}

/** Writes a grace as `--grace` takes it, in days where it is whole days. */
export function formatGrace(graceMs: number): string {
  const days = graceMs / 86_400_000;
  return Number.isInteger(days) ? `${days}d` : formatMs(graceMs);
}

function rowOf(
  title: string,
  { count, bytes }: { readonly count: number; readonly bytes: number },
): readonly string[] {
  return [title, count.toLocaleString("en-US"), formatBytes(bytes)];
}
