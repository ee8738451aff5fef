import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Sample } from "./samples.ts";

/** Colours that keep their distance in both themes and to most who can't tell red from green. */
const colors = ["#2f81f7", "#db6d28", "#1a9e77", "#a371f7", "#c9510c", "#768390"] as const;
const heightPx = 220;

/** Draws each tier's p95 over the samples. What it shows stands in the table as well. */
export function LatencyChart({ samples }: { readonly samples: readonly Sample[] }): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | undefined>(undefined);
  const names = samples.at(-1)?.tiers.map(({ name }) => name) ?? [];
  const key = names.join("\n");

  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const ink = getComputedStyle(element).color;
    const axis = { stroke: ink, grid: { stroke: "#8885", width: 1 }, ticks: { stroke: "#8885" } };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height: heightPx,
        series: [
          {},
          ...key.split("\n").map((label, at) => ({
            label,
            stroke: colors[at % colors.length] ?? ink,
            width: 2,
          })),
        ],
        axes: [axis, { ...axis, label: "p95, ms", labelSize: 20 }],
        scales: { y: { range: (_chart, _low, high) => [0, Math.max(high * 1.1, 1)] } },
      },
      [[]],
      element,
    );
    chart.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: heightPx }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [key]);

  useEffect(() => {
    const lines = key
      .split("\n")
      .map((name) =>
        samples.map(({ tiers }) => tiers.find((tier) => tier.name === name)?.p95Ms ?? null),
      );
    chart.current?.setData([samples.map(({ atMs }) => atMs / 1000), ...lines]);
  }, [key, samples]);

  return (
    <figure>
      <figcaption>Latency of each tier, 95th percentile</figcaption>
      <div ref={holder} class="chart" aria-hidden="true" />
    </figure>
  );
}
