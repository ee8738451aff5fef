import type { TierHealth } from "@bitstore/core";
import { Gauge, type Registry } from "prom-client";
import { labelValues } from "./label-values.ts";

/** Tells the tiers' health at each scrape, and the depths of queues; asking sends no request. */
export interface HealthMetrics {
  /** Shows tiers; returns what ends it. */
  watchTiers(health: () => readonly TierHealth[]): () => void;
  /** Shows how many wait in a queue; returns what ends it. */
  watchQueue(queue: string, depth: () => number | Promise<number>): () => void;
}

export function healthMetrics(registry: Registry): HealthMetrics {
  const registers = [registry];
  const tiers = new Set<() => readonly TierHealth[]>();
  const queues = new Map<string, () => number | Promise<number>>();
  const queueOf = labelValues();
  const tierOf = labelValues();
  const inFlight = new Gauge({
    name: "bitstore_tier_in_flight",
    help: "Requests to a tier that are under way",
    labelNames: ["tier"],
    registers,
    collect: () => each((tier, { recent }) => inFlight.set({ tier }, recent.inFlight)),
  });
  const recent = new Gauge({
    name: "bitstore_tier_recent_requests",
    help: "Requests to a tier that ended within the last seconds, and those of them that failed",
    labelNames: ["tier", "kind"],
    registers,
    collect: () =>
      each((tier, health) => {
        recent.set({ tier, kind: "all" }, health.recent.requests);
        recent.set({ tier, kind: "failed" }, health.recent.failures);
        recent.set({ tier, kind: "refused" }, health.recent.refusals);
      }),
  });
  const open = new Gauge({
    name: "bitstore_tier_breaker_open",
    help: "1 where a tier's breaker holds requests back, 0.5 where it lets one pass",
    labelNames: ["tier"],
    registers,
    collect: () =>
      each((tier, { breaker }) => {
        if (breaker === undefined) return;
        const { state } = breaker;
        open.set({ tier }, state === "open" ? 1 : state === "half-open" ? 0.5 : 0);
      }),
  });
  const depth = new Gauge({
    name: "bitstore_queue_depth",
    help: "How many wait in a queue",
    labelNames: ["queue"],
    registers,
    async collect() {
      depth.reset();
      for (const [queue, read] of queues) depth.set({ queue: queueOf(queue) }, await read());
    },
  });

  function each(show: (tier: string, health: TierHealth) => void): void {
    for (const read of tiers) for (const health of read()) show(tierOf(health.tier), health);
  }
  return {
    watchTiers(health) {
      tiers.add(health);
      return () => tiers.delete(health);
    },
    watchQueue(queue, read) {
      queues.set(queue, read);
      return () => {
        if (queues.get(queue) === read) queues.delete(queue);
      };
    },
  };
}
