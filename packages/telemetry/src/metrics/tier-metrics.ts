import { Gauge, Histogram, type Registry } from "prom-client";
import { type CoreListeners, listenToCore } from "../channels.ts";
import { counted } from "./counted.ts";
import { labelValues } from "./label-values.ts";

/** Seconds, from a hit in memory to a cloud on a bad day. */
export const secondsBuckets: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

const breakerStates = ["closed", "half-open", "open"] as const;

/** Counts what core tells of tiers: attempts, streams, fills, alarms, breakers, retries. */
export function tierMetrics(registry: Registry): Disposable {
  const registers = [registry];
  const attempts = counted(registry, {
    name: "bitstore_tier_attempts_total",
    help: "Questions to a tier, by what it said: a hit, a miss, or why there was no answer",
    labelNames: ["tier", "operation", "outcome"],
  });
  const bytes = counted(registry, {
    name: "bitstore_tier_bytes_total",
    help: "Bytes that came from a tier",
    labelNames: ["tier"],
  });
  const seconds = new Histogram({
    name: "bitstore_tier_seconds",
    help: "Seconds that a tier took to answer",
    labelNames: ["tier", "operation"],
    buckets: [...secondsBuckets],
    registers,
  });
  const errors = counted(registry, {
    name: "bitstore_tier_errors_total",
    help: "Failures of a tier, by error code",
    labelNames: ["tier", "code"],
  });
  const fills = counted(registry, {
    name: "bitstore_fills_total",
    help: "Copies into a cache tier, by how they ended",
    labelNames: ["tier", "outcome"],
  });
  const fillBytes = counted(registry, {
    name: "bitstore_fill_bytes_total",
    help: "Bytes that were copied into a cache tier",
    labelNames: ["tier"],
  });
  const alarms = counted(registry, {
    name: "bitstore_alarms_total",
    help: "What a person should look at, by kind",
    labelNames: ["kind"],
  });
  const breaker = new Gauge({
    name: "bitstore_breaker_state",
    help: "1 for the state that a source's breaker is in",
    labelNames: ["source", "state"],
    registers,
  });
  const retries = counted(registry, {
    name: "bitstore_retries_total",
    help: "Requests that failed for a while, by whether they were made again",
    labelNames: ["source", "outcome"],
  });
  const [tierOf, sourceOf, operationOf] = [labelValues(), labelValues(), labelValues()];

  const listeners: CoreListeners = {
    attempt({ operation: asked, attempt }) {
      const { outcome, elapsedMs, error } = attempt;
      const [tier, operation] = [tierOf(attempt.tier), operationOf(asked)];
      // A range that lies outside is the caller's mistake, and the tier has told it so.
      const isOutside = error?.code === "RANGE_NOT_SATISFIABLE";
      attempts([tier, operation, isOutside ? "out-of-range" : outcome]);
      // What a stream that broke off had given is told by the stream.
      if (outcome === "hit" && attempt.bytes > 0) bytes([tier], attempt.bytes);
      // A tier that was not asked took no time.
      if (outcome !== "skipped") seconds.observe({ tier, operation }, elapsedMs / 1000);
      if (error !== undefined && !isOutside) errors([tier, error.code]);
    },
    stream: (event) => bytes([tierOf(event.tier)], event.bytes),
    fill(event) {
      const tier = tierOf(event.tier);
      fills([tier, event.outcome]);
      if (event.outcome === "filled") fillBytes([tier], event.bytes);
    },
    alarm: ({ kind }) => alarms([kind]),
    breaker(event) {
      const source = sourceOf(event.source);
      for (const state of breakerStates) {
        breaker.set({ source, state }, state === event.state ? 1 : 0);
      }
    },
    retry: ({ source, outcome }) => retries([sourceOf(source), outcome]),
  };
  return listenToCore(listeners);
}
