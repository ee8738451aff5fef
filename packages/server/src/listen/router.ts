import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type ErrorCode, StoreError } from "@bitstore/core";
import { Hono } from "hono";
import type { Pages } from "../pages/read-pages.ts";
import type { RouteDeclaration } from "../routes/declaration.ts";
import type { Route } from "../routes/route.ts";
import { type Arrival, refuse, runRoute, type Service } from "./run-route.ts";

/** Serves one request whose target was checked. */
export type Router = (arrival: Arrival, request: Request) => Promise<void>;

interface Env {
  Bindings: HttpBindings & { readonly arrival: Arrival };
}

/** Makes the function that finds the route of a request and serves it. */
export function createRouter(
  service: Service,
  routes: readonly Route[],
  pages: Pages | undefined,
): Router {
  const app = new Hono<Env>();
  const byPath = Map.groupBy(routes, ({ declaration }) => honoPath(declaration));
  // The first that fits is taken, so what is spelled out goes before what is a parameter.
  const paths = [...byPath].sort(([one], [other]) => countColons(one) - countColons(other));
  for (const [path, same] of paths) {
    const byMethod = new Map(same.map((route) => [route.declaration.method.toUpperCase(), route]));
    const allow = [...byMethod.keys()].sort().join(", ");
    app.all(path, async ({ env: { arrival }, req }) => {
      const method = arrival.incoming.method ?? "";
      const route = byMethod.get(method);
      if (route !== undefined) await runRoute(service, route, arrival, req.param(), allow);
      else await unrouted(arrival, "UNSUPPORTED", `it takes ${allow}`, { allow });
      return RESPONSE_ALREADY_SENT;
    });
  }
  app.notFound(async ({ env: { arrival } }) => {
    if (pages?.send(arrival) === true) return RESPONSE_ALREADY_SENT;
    await unrouted(arrival, "NOT_FOUND", "there is nothing; /openapi.json lists what is", {});
    return RESPONSE_ALREADY_SENT;
  });
  app.onError(async (error, { env: { arrival } }) => {
    const outcome = { route: undefined, principal: undefined, params: {}, error };
    await refuse(service, arrival, outcome);
    return RESPONSE_ALREADY_SENT;
  });

  function unrouted(
    arrival: Arrival,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { method = "" } = arrival.incoming;
    const error = new StoreError({ code, operation: "serve", subject: method, message });
    const outcome = { route: undefined, principal: undefined, params: {}, error };
    return refuse(service, arrival, outcome, headers);
  }

  return async (arrival, request) => {
    const { incoming, outgoing } = arrival;
    await app.fetch(request, { incoming, outgoing, arrival });
  };
}

function countColons(path: string): number {
  return path.split(":").length;
}

function honoPath({ path }: RouteDeclaration): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}
