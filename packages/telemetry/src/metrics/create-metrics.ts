import { collectDefaultMetrics, Registry } from "prom-client";
import type { RequestSummary } from "../request.ts";
import { type HealthMetrics, healthMetrics } from "./health-metrics.ts";
import { requestMetrics } from "./request-metrics.ts";
import { tierMetrics } from "./tier-metrics.ts";

export interface MetricsOptions {
  /** Tells the process's own memory, CPU, event loop and garbage collection as well; true. */
  readonly process?: boolean | undefined;
}

/** Counters of one process. Disposing them ends listening; core then publishes to nobody. */
export interface Metrics extends HealthMetrics, Disposable {
  /** Counts a request that is over. */
  request(request: RequestSummary): void;
  /** Resolves to all metrics in Prometheus's text format, and its content type. */
  scrape(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/**
 * Makes metrics with a registry of their own, fed by core's channels. Labels are bounded: tiers,
 * patterns of routes and codes, never a digest, a tag or a path.
 *
 * @example
 * using metrics = createMetrics();
 * metrics.watchTiers(() => opened.health());
 * const { contentType, body } = await metrics.scrape();
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const listening = tierMetrics(registry);
  const request = requestMetrics(registry);
  const health = healthMetrics(registry);
  if (options.process !== false) collectDefaultMetrics({ register: registry });
  return {
    ...health,
    request,
    scrape: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    [Symbol.dispose]() {
      listening[Symbol.dispose]();
      registry.clear();
    },
  };
}
