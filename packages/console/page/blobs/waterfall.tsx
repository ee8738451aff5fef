import type { JSX } from "preact";
import { coded } from "../api/problem.ts";
import type { Attempt } from "../api/types.ts";
import { DataTable } from "../frame/data-table.tsx";
import { bytesText, millisecondsText } from "../frame/format.ts";

const columns = [
  { label: "Tier" },
  { label: "Said" },
  { label: "Took", class: "number" },
  { label: "When", class: "bars" },
];

/** What the tiers said, one bar each, from when it was asked to when it had answered. */
export function Waterfall({ attempts }: { readonly attempts: readonly Attempt[] }): JSX.Element {
  const totalMs = Math.max(
    attempts.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
    0.001,
  );
  const startsMs = attempts.map((_, at) =>
    attempts.slice(0, at).reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
  );
  const rows = attempts.map((attempt, at) => ({
    key: `${at}-${attempt.tier}`,
    cells: [
      attempt.tier,
      <>
        <span class={`outcome ${attempt.outcome}`}>{attempt.outcome}</span>
        <Details attempt={attempt} />
      </>,
      millisecondsText(attempt.elapsedMs),
      <svg width="100%" height="14" role="presentation" preserveAspectRatio="none">
        <rect
          class={`bar ${attempt.outcome}`}
          x={`${((startsMs[at] ?? 0) / totalMs) * 99}%`}
          width={`${Math.max((attempt.elapsedMs / totalMs) * 99, 0.6)}%`}
          height="14"
          rx="2"
        />
      </svg>,
    ],
  }));
  return <DataTable class="waterfall" columns={columns} rows={rows} />;
}

function Details({ attempt }: { readonly attempt: Attempt }): JSX.Element | null {
  const { bytes, note, error } = attempt;
  const said = [
    bytes > 0 ? bytesText(bytes) : undefined,
    note,
    error === undefined ? undefined : coded(error.code, error.detail ?? error.message ?? ""),
  ].filter((part) => part !== undefined);
  return said.length === 0 ? null : <span class="details">{said.join(", ")}</span>;
}
