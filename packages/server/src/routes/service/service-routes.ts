import type { Metrics } from "@bitstore/telemetry";
import { z } from "@hono/zod-openapi";
import { sendJson } from "../../wire/json.ts";
import type { Exchange } from "../exchange.ts";
import { defineRoute, type Route } from "../route.ts";
import type { Readiness } from "./readiness.ts";

export interface ServiceContext {
  readonly ready: () => Promise<Readiness>;
  readonly metrics: Pick<Metrics, "scrape"> | undefined;
  /** The OpenAPI document as JSON. */
  readonly document: () => string;
}

const noMetrics = { contentType: "text/plain; charset=utf-8", body: "" };

const open = { group: "service", scope: "public", confined: "any" } as const;

const readinessSchema = z.object({
  status: z.enum(["ready", "unavailable", "draining"]),
  checks: z.array(
    z.object({
      name: z.enum(["origin", "metadata", "workspace"]),
      namespace: z.string(),
      ok: z.boolean(),
      code: z.string().optional(),
    }),
  ),
  tiers: z.array(
    z.object({
      name: z.string(),
      namespace: z.string(),
      role: z.enum(["source", "cache"]),
      origin: z.boolean(),
      state: z.enum(["up", "recovering", "down"]),
    }),
  ),
});

/** Makes the routes that are about the server itself. */
export function serviceRoutes({ ready, metrics, document }: ServiceContext): readonly Route[] {
  return [
    defineRoute(
      {
        ...open,
        operationId: "livez",
        method: "get",
        path: "/livez",
        summary: "Say that the process answers",
        responses: {
          200: {
            description: "It does.",
            media: "application/json",
            schema: z.object({ status: z.literal("ok") }),
          },
        },
      },
      (exchange) => Promise.resolve(sendJson(exchange, 200, { status: "ok" })),
    ),
    defineRoute(
      {
        ...open,
        operationId: "readyz",
        method: "get",
        path: "/readyz",
        summary: "Say whether the server can do its work, and which tier is down",
        description:
          "The origin and the metadata are asked, and an origin that does not answer is `down`; the " +
          "state of the other tiers is what came of late.",
        responses: {
          200: { description: "It can.", media: "application/json", schema: readinessSchema },
          503: {
            description: "The origin or the metadata does not answer, or the server is ending.",
            media: "application/json",
            schema: readinessSchema,
          },
        },
      },
      async (exchange) => {
        const readiness = await ready();
        sendJson(exchange, readiness.status === "ready" ? 200 : 503, readiness);
      },
    ),
    defineRoute(
      {
        operationId: "metrics",
        method: "get",
        path: "/metrics",
        group: "service",
        summary: "Show counts and latencies as Prometheus reads them",
        scope: "admin",
        confined: "never",
        responses: { 200: { description: "The metrics.", media: "text/plain" } },
      },
      async (exchange) => {
        const { contentType, body } = (await metrics?.scrape()) ?? noMetrics;
        sendText(exchange, contentType, body);
      },
    ),
    defineRoute(
      {
        ...open,
        operationId: "openapi",
        method: "get",
        path: "/openapi.json",
        summary: "Describe this API as OpenAPI 3.1",
        responses: { 200: { description: "The document.", media: "application/json" } },
      },
      (exchange) => Promise.resolve(sendText(exchange, "application/json", document())),
    ),
  ];
}

function sendText({ outgoing, requestId }: Exchange, media: string, text: string): void {
  outgoing.writeHead(200, {
    "content-type": media,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  });
  outgoing.end(text);
}
