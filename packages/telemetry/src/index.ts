export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
} from "./logs/create-logger.ts";
export { logEvents } from "./logs/log-events.ts";
export { safeText } from "./logs/redact.ts";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics/create-metrics.ts";
export type { HealthMetrics } from "./metrics/health-metrics.ts";
export type { RequestSummary } from "./request.ts";
export type { SinkOptions, SpanSink } from "./traces/load-sdk.ts";
export {
  startTracing,
  type TracedEnd,
  type TracedRequest,
  type Tracing,
  type TracingConfig,
} from "./traces/start-tracing.ts";
