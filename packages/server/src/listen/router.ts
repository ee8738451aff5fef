import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { StoreError } from "@bitstore/core";
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

/** Why a request has no route. */
interface Unrouted {
  /** That of the error's code, unless it says more. */
  readonly status?: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
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
      else await unrouted(arrival, { message: `it takes ${allow}`, headers: { allow } });
      return RESPONSE_ALREADY_SENT;
    });
  }
  app.notFound(async ({ env: { arrival } }) => {
    if (pages?.send(arrival) === true) return RESPONSE_ALREADY_SENT;
    // Its code is not that of an absent blob: a client with a wrong base path would believe it.
    const message = "there is no such route; /openapi.json lists what is";
    await unrouted(arrival, { status: 404, message });
    return RESPONSE_ALREADY_SENT;
  });
  app.onError(async (error, { env: { arrival } }) => {
    const outcome = { route: undefined, principal: undefined, params: {}, error };
    await refuse(service, arrival, outcome);
    return RESPONSE_ALREADY_SENT;
  });

  function unrouted(arrival: Arrival, { status, message, headers }: Unrouted): Promise<void> {
    const subject = arrival.incoming.method ?? "";
    const error = new StoreError({ code: "UNSUPPORTED", operation: "serve", subject, message });
    const outcome = { route: undefined, principal: undefined, params: {}, error, status };
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
