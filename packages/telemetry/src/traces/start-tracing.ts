import { AsyncLocalStorage } from "node:async_hooks";
import type { AttemptEvent } from "@bitstore/core";
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { listenToCore } from "../channels.ts";
import { safeText } from "../logs/redact.ts";
import { openOtlpSink, type SinkOptions, type SpanSink } from "./load-sdk.ts";
import { readTraceparent, writeTraceparent } from "./traceparent.ts";

export interface TracingConfig {
  /** The OTLP receiver of traces over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Sent along, such as a receiver's key. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** `bitstore` if left out. */
  readonly serviceName?: string | undefined;
  /** Share of the traces that begin here and are kept; 1. A caller's own choice is followed. */
  readonly ratio?: number | undefined;
}

/** What is known of a request when it comes. */
export interface TracedRequest {
  readonly method: string;
  readonly requestId: string;
  /** The caller's `traceparent` and `tracestate`. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What is known of it when it is over. */
export interface TracedEnd {
  /** The pattern of its route, never its path. */
  readonly route: string | undefined;
  readonly status: number;
  readonly code?: string | undefined;
}

/** Traces of one process, from requests to what each tier was asked. */
export interface Tracing extends AsyncDisposable {
  /** Runs a request as a span; what tiers are asked within it are its children. */
  request<T>(
    request: TracedRequest,
    run: (end: (outcome: TracedEnd) => void) => Promise<T>,
  ): Promise<T>;
  /** Headers that carry the current trace to a server that is asked; none outside of a trace. */
  headers(): Readonly<Record<string, string>>;
  /** Sends the spans that wait. */
  flush(): Promise<void>;
}

/**
 * Starts traces. The SDK is loaded now, so that nobody who wants none has to install it. Nothing is
 * registered globally. Disposing it sends what waits.
 *
 * @throws CONFIG_INVALID where the SDK is not installed.
 */
export async function startTracing(
  config: TracingConfig,
  openSink: (options: SinkOptions) => Promise<SpanSink> = openOtlpSink,
): Promise<Tracing> {
  const { url, headers = {}, serviceName = "bitstore", ratio = 1 } = config;
  const sink = await openSink({ url, headers, serviceName, ratio });
  const { tracer } = sink;
  const contexts = new AsyncLocalStorage<Context>();
  const listening = listenToCore({
    attempt(event) {
      const context = contexts.getStore();
      if (context !== undefined) attemptSpan(tracer, context, event);
    },
  });
  return {
    async request(request, run) {
      const { method, requestId, traceparent, tracestate } = request;
      const remote = readTraceparent(traceparent, tracestate);
      const parent =
        remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
      const attributes = { "http.request.method": method, "bitstore.request_id": requestId };
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
      try {
        const end = (outcome: TracedEnd): void => describe(span, method, outcome);
        return await contexts.run(trace.setSpan(parent, span), () => run(end));
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    headers() {
      const context = contexts.getStore();
      const span = context && trace.getSpanContext(context);
      if (span === undefined) return {};
      const tracestate = span.traceState?.serialize() ?? "";
      const carried = { traceparent: writeTraceparent(span) };
      return tracestate === "" ? carried : { ...carried, tracestate };
    },
    flush: () => sink.flush(),
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      await sink.shutdown();
    },
  };
}

function describe(span: Span, method: string, { route, status, code }: TracedEnd): void {
  span.setAttribute("http.response.status_code", status);
  if (route !== undefined) {
    span.updateName(`${method} ${route}`);
    span.setAttribute("http.route", route);
  }
  if (code !== undefined) span.setAttribute("bitstore.code", code);
  // Of a server's span, what the client did wrong is no error: OpenTelemetry's HTTP conventions.
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** An attempt is told when it is over, so its span begins in the past. */
function attemptSpan(
  tracer: Tracer,
  context: Context,
  { operation, digest, attempt }: AttemptEvent,
): void {
  const { tier, outcome, elapsedMs, bytes, note, error } = attempt;
  const endMs = Date.now();
  const attributes: Attributes = {
    "bitstore.tier": tier,
    "bitstore.outcome": outcome,
    "bitstore.digest": digest,
    "bitstore.bytes": bytes,
    ...(note === undefined ? {} : { "bitstore.note": safeText(note) }),
    ...(error === undefined ? {} : { "bitstore.code": error.code }),
  };
  const options = { kind: SpanKind.CLIENT, attributes, startTime: endMs - elapsedMs };
  const span = tracer.startSpan(`${operation} ${tier}`, options, context);
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: safeText(error.message) });
  }
  span.end(endMs);
}
