import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TierStatus } from "../api/types.ts";
import { DataTable } from "../frame/data-table.tsx";
import { millisecondsText } from "../frame/format.ts";
import { Refusal } from "../frame/refusal.tsx";
import { LatencyChart } from "./latency-chart.tsx";
import { healthOf, hitRate, type Sample, sampleEveryMs, withSample } from "./samples.ts";

/** The tiers in the order in which they are asked, each with how it does. */
export function TiersPage({ api }: { readonly api: Api }): JSX.Element {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const tiers = await api.tiers();
        if (isOver) return;
        setSamples((all) => withSample(all, { atMs: Date.now(), tiers }));
        setProblem(undefined);
      } catch (error) {
        if (!isOver) setProblem(shown(error));
      }
      if (!isOver) timer = setTimeout(() => void look(), sampleEveryMs);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api]);
  const tiers = samples.at(-1)?.tiers;
  return (
    <>
      <h1 tabIndex={-1}>Tiers</h1>
      <p class="lead">A read asks them in this order; the first that has the bytes answers.</p>
      {problem === undefined ? null : <Refusal problem={problem} />}
      {tiers === undefined ? null : <TierTable tiers={tiers} />}
      {samples.length > 1 ? <LatencyChart samples={samples} /> : null}
    </>
  );
}

const healthText = {
  up: "up",
  down: "down",
  recovering: "recovering",
  unknown: "not asked yet",
} as const;

const columns = [
  { label: "Tier" },
  { label: "Role" },
  { label: "Health" },
  ...["Hit rate", "Hits", "Misses", "Failures", "p50", "p95"].map((label) => ({
    label,
    class: "number",
  })),
];

function TierTable({ tiers }: { readonly tiers: readonly TierStatus[] }): JSX.Element {
  const rows = tiers.map((tier) => ({
    key: tier.name,
    cells: [
      <>
        {tier.name}
        <span class="url">{tier.store}</span>
      </>,
      roleText(tier),
      <HealthMark tier={tier} />,
      percent(hitRate(tier)),
      tier.hits.toLocaleString("en-US"),
      tier.misses.toLocaleString("en-US"),
      tier.failures.toLocaleString("en-US"),
      latency(tier.p50Ms),
      latency(tier.p95Ms),
    ],
  }));
  return <DataTable columns={columns} rows={rows} />;
}

function HealthMark({ tier }: { readonly tier: TierStatus }): JSX.Element {
  const health = healthOf(tier);
  return <span class={`health ${health}`}>{healthText[health]}</span>;
}

function roleText({ role, origin, readOnly }: TierStatus): string {
  if (origin) return "origin";
  return role === "cache" ? "cache" : readOnly ? "source, read-only" : "source";
}

function percent(rate: number | undefined): string {
  return rate === undefined ? "–" : `${(rate * 100).toFixed(rate === 1 ? 0 : 1)} %`;
}

function latency(ms: number | undefined): string {
  return ms === undefined ? "–" : millisecondsText(ms);
}
