import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { StoreError } from "@bitstore/core";
import { Hono } from "hono";
import type { Pages } from "../pages/read-pages.ts";
import type { RouteDeclaration } from "../routes/declaration.ts";
import type { Route } from "../routes/route.ts";
import { type Arrival, refuse, runRoute, type Service } from "./run-route.ts";

/** Finds the route of a request. */
export interface Router {
  /** Serves one request whose target was checked. */
  route(arrival: Arrival, request: Request): Promise<void>;
  /**
   * Returns what serves a request for a blob, the one that there are the most of, without a search of
   * all routes and what that needs of a request; undefined for any other.
   */
  direct(
    method: string | undefined,
    target: string | undefined,
  ): ((arrival: Arrival) => Promise<void>) | undefined;
}

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
    const allow = allowOf(same);
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
    const message = `there is no such route; ${hintOf(arrival.incoming.url ?? "")}`;
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

  const ofBlobs = byPath.get("/v1/blobs/:digest") ?? [];
  const readers = new Map(
    ofBlobs
      .filter(({ declaration: { method } }) => method === "get" || method === "head")
      .map((route) => [route.declaration.method.toUpperCase(), route]),
  );
  const allowOfBlobs = allowOf(ofBlobs);

  return {
    async route(arrival, request) {
      const { incoming, outgoing } = arrival;
      await app.fetch(request, { incoming, outgoing, arrival });
    },
    direct(method = "", target = "") {
      const route = readers.get(method);
      const digest = route === undefined ? undefined : blobTarget.exec(target)?.[1];
      if (route === undefined || digest === undefined) return undefined;
      return (arrival) => runRoute(service, route, arrival, { digest }, allowOfBlobs);
    },
  };
}

/** What is meant by a path that no route fits: a tag whose slashes were written as they are, or else. */
function hintOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  const [, tag, rest = ""] = tagTarget.exec(path) ?? [];
  if (tag === undefined) return "/openapi.json lists what is";
  const meant = `/v1/tags/${tag.replaceAll("/", "%2F")}${rest}`;
  return `a tag is one segment of the path, its slashes written as %2F: ${meant}`;
}

/** A tag of several segments, and what may stand behind it. */
const tagTarget =
  /^\/v1\/tags\/([\w.-]+(?:\/[\w.-]+)+?)(\/(?:blob|history|rollback|watch|verify))?$/;

/** The target of a blob in its usual form: nothing in it is encoded, and nothing is asked besides. */
const blobTarget = /^\/v1\/blobs\/([a-z0-9]{4,8}:[0-9a-f]{40,128})$/;

function allowOf(routes: readonly Route[]): string {
  return routes
    .map(({ declaration: { method } }) => method.toUpperCase())
    .sort()
    .join(", ");
}

function countColons(path: string): number {
  return path.split(":").length;
}

function honoPath({ path }: RouteDeclaration): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}
