import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TierStatus } from "../api/types.ts";
import { millisecondsText } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";
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
      <h1>Tiers</h1>
      <p class="lead">A read asks them in this order; the first that has the bytes answers.</p>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
      {tiers === undefined ? null : <TierTable tiers={tiers} />}
      {samples.length > 1 ? <LatencyChart samples={samples} /> : null}
    </>
  );
}

const healthText = {
  up: "up",
  down: "down",
  probing: "probing",
  unknown: "not asked yet",
} as const;

function TierTable({ tiers }: { readonly tiers: readonly TierStatus[] }): JSX.Element {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Tier</th>
            <th scope="col">Role</th>
            <th scope="col">Health</th>
            <th scope="col" class="number">
              Hit rate
            </th>
            <th scope="col" class="number">
              Hits
            </th>
            <th scope="col" class="number">
              Misses
            </th>
            <th scope="col" class="number">
              Failures
            </th>
            <th scope="col" class="number">
              p50
            </th>
            <th scope="col" class="number">
              p95
            </th>
          </tr>
        </thead>
        <tbody>
          {tiers.map((tier) => (
            <tr key={tier.name}>
              <th scope="row">
                {tier.name}
                <span class="url">{tier.store}</span>
              </th>
              <td>{roleText(tier)}</td>
              <td>
                <HealthMark tier={tier} />
              </td>
              <td class="number">{percent(hitRate(tier))}</td>
              <td class="number">{tier.hits.toLocaleString("en-US")}</td>
              <td class="number">{tier.misses.toLocaleString("en-US")}</td>
              <td class="number">{tier.failures.toLocaleString("en-US")}</td>
              <td class="number">{latency(tier.p50Ms)}</td>
              <td class="number">{latency(tier.p95Ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
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
