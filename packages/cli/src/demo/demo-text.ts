import type { Digest } from "@bitstore/core";
import type { Paint } from "../frame/colors.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import type { DemoRun } from "./demo-run.ts";

const barWidth = 24;

/** Draws a run as a table: what each tier was asked, what it served, and what that cost. */
export function runTable(
  run: DemoRun,
  paint: Paint,
  costOf: (tier: string) => string,
): readonly string[] {
  const total = Math.max(1, ...run.tiers.map(({ served }) => served));
  const head = row("tier", "asked", "served", "bytes", "cost");
  const lines = run.tiers.map(({ name, asked, served, bytes }) => {
    const filled = Math.round((served / total) * barWidth);
    const bar = paint(name === "cache" ? "green" : "cyan", "█".repeat(filled));
    return `${row(name, comma(asked), comma(served), formatBytes(bytes), costOf(name))}  ${bar}`;
  });
  const { fetched, cached } = run.tally.counts;
  const done = `${formatCount(fetched + cached, "blob")} in ${formatMs(run.elapsedMs)}`;
  return [paint("dim", head), ...lines, `  ${done}, every byte checked against its digest`];
}

/** Draws what `explain` says of one digest. */
export function attemptLines(
  title: string,
  digest: Digest,
  attempts: readonly { readonly tier: string; readonly outcome: string }[],
  paint: Paint,
): readonly string[] {
  const said = attempts.map(({ tier, outcome }) => {
    const style = outcome === "hit" ? "green" : outcome === "miss" ? "dim" : "red";
    return `${tier} ${paint(style, outcome)}`;
  });
  return [`  ${title.padEnd(8)} ${digest.slice(0, 19)}…  ${said.join("  →  ")}`];
}

function row(name: string, asked: string, served: string, bytes: string, cost: string): string {
  const cells = [asked.padStart(8), served.padStart(8), bytes.padStart(11), cost.padStart(9)];
  return `  ${name.padEnd(10)}${cells.join("")}`;
}

function comma(value: number): string {
  return value.toLocaleString("en-US");
}
