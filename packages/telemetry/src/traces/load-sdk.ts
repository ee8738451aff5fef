import { StoreError } from "@bitstore/core";
import type { Tracer } from "@opentelemetry/api";
import type * as Otlp from "@opentelemetry/exporter-trace-otlp-http";
import type * as Sdk from "@opentelemetry/sdk-trace";

/** What sends spans away. */
export interface SpanSink {
  readonly tracer: Tracer;
  /** Sends what waits. Rejects where the receiver does not take it. */
  flush(): Promise<void>;
  /** Sends what waits and ends. */
  shutdown(): Promise<void>;
}

export interface SinkOptions {
  /** Where spans go, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of the traces that begin here and are kept, from 0 to 1. */
  readonly ratio: number;
}

const packages = "@opentelemetry/sdk-trace and @opentelemetry/exporter-trace-otlp-http";

/**
 * Loads the SDK and its exporter, which are installed by whoever wants traces, and opens them.
 *
 * @throws CONFIG_INVALID where they are not installed.
 */
export async function openOtlpSink(options: SinkOptions): Promise<SpanSink> {
  const { sdk, otlp } = await loadSdk();
  const { url, headers, serviceName, ratio } = options;
  const exporter = new otlp.OTLPTraceExporter({ url, headers: { ...headers } });
  const attributes = { "service.name": serviceName };
  const resource: NonNullable<Sdk.TracerProviderOptions["resource"]> = {
    attributes,
    getRawAttributes: () => Object.entries(attributes),
    merge: () => resource,
  };
  const root = new sdk.TraceIdRatioBasedSampler(ratio);
  const provider = new sdk.TracerProvider({
    resource,
    sampler: new sdk.ParentBasedSampler({ root }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  return {
    tracer: provider.getTracer("bitstore"),
    flush: () => provider.forceFlush(),
    shutdown: () => provider.shutdown(),
  };
}

async function loadSdk(): Promise<{
  readonly sdk: typeof Sdk;
  readonly otlp: typeof Otlp;
}> {
  try {
    const sdk = await import("@opentelemetry/sdk-trace");
    const otlp = await import("@opentelemetry/exporter-trace-otlp-http");
    return { sdk, otlp };
  } catch (cause) {
    throw notInstalled(cause);
  }
}

/** Makes the error of packages that are not there. */
export function notInstalled(cause: unknown): unknown {
  const isMissing =
    cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
  if (!isMissing) return cause;
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    subject: "traces",
    message: `traces are enabled, and ${packages} are not installed; npm install them`,
    cause,
  });
}
