import type { Tier } from "@bitstore/core";
import type { Style } from "../frame/colors.ts";
import { errorRecord } from "../frame/error-record.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Invocation } from "../frame/frame.ts";
import { formatTable } from "../frame/table.ts";
import { formatBytes } from "../frame/units.ts";
import type { Check } from "./check-blob.ts";

/** Counts of one tier. */
export interface CheckTally {
  ok: number;
  corrupt: number;
  missing: number;
  failed: number;
  /** Bytes of the copies that are right. */
  bytes: number;
}

/** Counts by the tier's name, in the order of the tiers. */
export type CheckTallies = ReadonlyMap<string, CheckTally>;

export function tallies(tiers: readonly Tier[]): CheckTallies {
  return new Map(
    tiers.map(({ name }) => [name, { ok: 0, corrupt: 0, missing: 0, failed: 0, bytes: 0 }]),
  );
}

const styles: Readonly<Record<Check["status"], Style>> = {
  ok: "green",
  corrupt: "red",
  missing: "yellow",
  failed: "red",
};

/** Counts a check. With `--json` each is told, else those that are not right. */
export async function reportCheck(
  { output, settings, count }: Invocation,
  { tier, digest, status, size, error }: Check,
  totals: CheckTallies,
): Promise<void> {
  const tally = totals.get(tier.name);
  if (tally !== undefined) {
    tally[status] += 1;
    tally.bytes += size ?? 0;
  }
  if (error !== undefined) count(error.code);
  if (status === "ok" && !settings.json) return;
  const why = error === undefined ? undefined : errorRecord(error);
  const line = [output.paint(styles[status], status.padEnd(7)), escapeControls(tier.name), digest];
  if (error !== undefined) line.push(escapeControls(error.detail));
  await output.result({ tier: tier.name, digest, status, size, error: why }, line.join("  "));
}

/** Tells the counts of each tier. */
export async function reportTotals(
  { output, settings }: Invocation,
  totals: CheckTallies,
): Promise<void> {
  if (settings.json) {
    for (const [tier, tally] of totals) await output.result({ tier, ...tally });
    return;
  }
  const rows = Array.from(totals, ([tier, { ok, corrupt, missing, failed, bytes }]) => [
    escapeControls(tier),
    ...[ok, corrupt, missing, failed].map((count) => count.toLocaleString("en-US")),
    formatBytes(bytes),
  ]);
  const right = "right" as const;
  const columns = ["OK", "CORRUPT", "MISSING", "FAILED", "BYTES"].map((title) => ({
    title,
    align: right,
  }));
  const table = formatTable([{ title: "TIER" }, ...columns], rows);
  await output.result({}, ...table);
}
