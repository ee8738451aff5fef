import { createTraceState, isSpanContextValid, type SpanContext } from "@opentelemetry/api";

/** Characters of a `tracestate` that are taken over; W3C lets a vendor cut it there. */
const stateCharsMax = 512;

/**
 * Reads a W3C `traceparent` (Trace Context, section 3.2); undefined where there is none or it is
 * malformed, which begins a new trace, as the standard says.
 */
export function readTraceparent(
  traceparent: string | undefined,
  tracestate: string | undefined,
): SpanContext | undefined {
  const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
  const match = form.exec(traceparent?.trim() ?? "");
  const [, version = "ff", traceId = "", spanId = "", flags = "", more] = match ?? [];
  // A later version may have more fields; of version 00 there are no more.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate === undefined || tracestate.length > stateCharsMax
      ? {}
      : { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}

/** Writes a `traceparent`, for requests that we send. */
export function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
