import type { CopyCheck, Tier } from "@bitstore/core";
import type { Style } from "../frame/colors.ts";
import { errorRecord } from "../frame/error-record.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Invocation } from "../frame/frame.ts";
import { formatTable } from "../frame/table.ts";
import { formatBytes } from "../frame/units.ts";

/** What a tier's copies are counted by; the last two only where they can come up. */
const columns = ["ok", "corrupt", "missing", "failed", "unread", "repaired"] as const;
type Column = (typeof columns)[number];

/** Counts of one tier. */
export interface CheckTally {
  readonly counts: Record<Column, number>;
  /** Corrupt copies that were left, since the tier does not let them be replaced. */
  notAllowed: number;
  /** Bytes of the copies that are right. */
  bytes: number;
}

/** Counts by the tier's name, in the order of the tiers. */
export type CheckTallies = ReadonlyMap<string, CheckTally>;

export function tallies(tiers: readonly Tier[]): CheckTallies {
  const none = { ok: 0, corrupt: 0, missing: 0, failed: 0, unread: 0, repaired: 0 };
  return new Map(tiers.map(({ name }) => [name, { counts: { ...none }, notAllowed: 0, bytes: 0 }]));
}

const styles: Readonly<Record<CopyCheck["status"], Style>> = {
  ok: "green",
  corrupt: "red",
  missing: "yellow",
  failed: "red",
  unread: "dim",
};

/**
 * Counts a check, and toward the exit status what is wrong and stays so. With `--json` each is told,
 * else those that are not right.
 */
export async function reportCheck(
  { output, settings, count }: Invocation,
  { tier, digest, status, size, error, repair }: CopyCheck,
  totals: CheckTallies,
): Promise<void> {
  const tally = totals.get(tier.name);
  const isMended = repair?.outcome === "repaired" || repair?.outcome === "unneeded";
  if (tally !== undefined) {
    tally.counts[status] += 1;
    if (repair?.outcome === "repaired") tally.counts.repaired += 1;
    if (repair?.outcome === "not-allowed") tally.notAllowed += 1;
    tally.bytes += size ?? 0;
  }
  if (error !== undefined && !isMended) count(error.code);
  if ((status === "ok" || status === "unread") && !settings.json) return;
  const line = [output.paint(styles[status], status.padEnd(7)), escapeControls(tier.name), digest];
  if (error !== undefined) line.push(escapeControls(error.detail));
  if (repair !== undefined) line.push(repair.outcome);
  if (repair?.error !== undefined) line.push(escapeControls(repair.error.detail));
  const record = {
    tier: tier.name,
    digest,
    status,
    size,
    error: error === undefined ? undefined : errorRecord(error),
    repair: repair?.outcome,
    repairError: repair?.error === undefined ? undefined : errorRecord(repair.error),
  };
  await output.result(record, line.join("  "));
}

/** Tells which tiers have to be configured otherwise for their copies to be replaced. */
export function noteNotAllowed({ output }: Invocation, totals: CheckTallies): void {
  const tiers = [...totals].filter(([, { notAllowed }]) => notAllowed > 0).map(([name]) => name);
  if (tiers.length === 0) return;
  output.note(
    `not repaired in ${tiers.map(escapeControls).join(", ")}: only caches are, and tiers that ` +
      "say heal=true, such as --tier './folder?heal=true', and may be written",
  );
}

/** Tells the counts of each tier. */
export async function reportTotals(
  { output, settings }: Invocation,
  totals: CheckTallies,
  { quick, repair }: { readonly quick: boolean; readonly repair: boolean },
): Promise<void> {
  const shown = columns.filter(
    (column) => (column !== "unread" || quick) && (column !== "repaired" || repair),
  );
  if (settings.json) {
    for (const [tier, { counts, bytes }] of totals) {
      const told = Object.fromEntries(shown.map((column) => [column, counts[column]]));
      await output.result({ tier, ...told, bytes });
    }
    return;
  }
  const rows = Array.from(totals, ([tier, { counts, bytes }]) => [
    escapeControls(tier),
    ...shown.map((column) => counts[column].toLocaleString("en-US")),
    formatBytes(bytes),
  ]);
  const right = "right" as const;
  const titles = [...shown, "bytes"].map((title) => ({ title: title.toUpperCase(), align: right }));
  await output.result({}, ...formatTable([{ title: "TIER" }, ...titles], rows));
}
