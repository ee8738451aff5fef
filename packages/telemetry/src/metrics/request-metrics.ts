import { Histogram, type Registry } from "prom-client";
import type { RequestSummary } from "../request.ts";
import { counted } from "./counted.ts";
import { labelValues } from "./label-values.ts";
import { secondsBuckets } from "./tier-metrics.ts";

const methods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "PUT",
  "POST",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** Counts requests by the pattern of their route; what fits none is `none`, whatever its path. */
export function requestMetrics(registry: Registry): (request: RequestSummary) => void {
  const registers = [registry];
  const requests = counted(registry, {
    name: "bitstore_http_requests_total",
    help: "Requests, by route and status",
    labelNames: ["method", "route", "status"],
  });
  const seconds = new Histogram({
    name: "bitstore_http_seconds",
    help: "Seconds from a request to the end of its answer",
    labelNames: ["method", "route"],
    buckets: [...secondsBuckets],
    registers,
  });
  const errors = counted(registry, {
    name: "bitstore_errors_total",
    help: "Requests that ended with an error, by its code",
    labelNames: ["code"],
  });
  const bytes = counted(registry, {
    name: "bitstore_http_bytes_total",
    help: "Bytes of bodies, by whether they came in or went out",
    labelNames: ["direction"],
  });
  const routeOf = labelValues();
  return (request) => {
    const { status, elapsedMs, code, bytesIn = 0, bytesOut = 0 } = request;
    const method = methods.has(request.method) ? request.method : "other";
    const route = request.route === undefined ? "none" : routeOf(request.route);
    requests([method, route, String(status)]);
    seconds.observe({ method, route }, elapsedMs / 1000);
    if (code !== undefined) errors([code]);
    if (bytesIn > 0) bytes(["in"], bytesIn);
    if (bytesOut > 0) bytes(["out"], bytesOut);
  };
}
