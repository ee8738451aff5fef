import { randomBytes } from "node:crypto";
import { abortedError, type Clock, isStoreError, StoreError, systemClock } from "@bitstore/core";
import type { Logger, Metrics, RequestSummary, Tracing } from "@bitstore/telemetry";
import { type Access, checkListening, openAccess } from "./access/open-access.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { byteBudget } from "./limits/byte-budget.ts";
import { type ClientLimits, clientGate } from "./limits/client-limits.ts";
import type { ConnectionBounds } from "./limits/connection-limit.ts";
import { clientAddress } from "./limits/client-address.ts";
import { type NodeLimits, nodeLimitsDefault } from "./limits/node-limits.ts";
import { trustedProxies } from "./limits/trusted-proxies.ts";
import { type Listener, listen, type ListenOptions } from "./listen/listener.ts";
import { requestListener } from "./listen/request-listener.ts";
import { createRouter } from "./listen/router.ts";
import type { RequestRecord, Service } from "./listen/run-route.ts";
import { createServeRequest } from "./listen/serve-request.ts";
import { readPages } from "./pages/read-pages.ts";
import { openApiDocument } from "./openapi/document.ts";
import { allRoutes } from "./routes/all-routes.ts";
import { createReadiness } from "./routes/service/readiness.ts";
import type { RouteDeclaration } from "./routes/declaration.ts";
import type { Route } from "./routes/route.ts";
import { createWorkspaces } from "./routes/workspaces.ts";
import { turnEnds } from "./wire/end-of-turn.ts";
import { type ServerLimits, serverLimitsDefault } from "./server-limits.ts";
import type { OpenWorkspace } from "./workspace.ts";

export interface ServerOptions {
  readonly open: OpenWorkspace;
  /** What decides about requests (`openAccess`); left out: anybody on this machine may do all. */
  readonly access?: Access | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  readonly clientLimits?: Partial<ClientLimits> | undefined;
  readonly nodeLimits?: Partial<NodeLimits> | undefined;
  /**
   * Addresses and CIDR ranges of proxies in front, whose X-Forwarded-For says where a request comes
   * from; none if left out. CONFIG_INVALID for anything else.
   */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly clock?: Clock | undefined;
  /** Where it is recorded what callers change; a write that can't be recorded fails. */
  readonly audit?: AuditLog | undefined;
  /** What requests are counted in, and `/metrics` shows; nothing if left out. */
  readonly metrics?: Pick<Metrics, "request" | "scrape"> | undefined;
  /** Writes a line for each request. */
  readonly logger?: (Pick<Logger, "request"> & Partial<Pick<Logger, "writesRequest">>) | undefined;
  readonly tracing?: Tracing | undefined;
  /** The folder of a page that is served at `/`, with all that it names; none if left out. */
  readonly pageFolder?: string | undefined;
  /** Namespaces without which the server is not ready; `default` if left out. */
  readonly namespaces?: readonly string[] | undefined;
  /** Is told of each request, once it is over. It must not throw. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
}

/** How a server ends. */
export interface CloseOptions {
  /** Milliseconds that requests under way are given; 30 seconds. */
  readonly drainMs?: number | undefined;
}

/** An HTTP server over workspaces. */
export interface Server {
  /** Begins to listen; CONFIG_INVALID where that can't be. It listens once, and once only. */
  listen(options?: ListenOptions): Promise<ServerAddress>;
  /** Where it listens; undefined before it does. */
  readonly address: ServerAddress | undefined;
  /** Lets other access rules hold from the next request on. Watches end: they are asked for anew. */
  setAccess(access: Access): void;
  /**
   * Lets other limits hold from the next request on, and other bounds on connections from the next one
   * on; what is left out has its default again. Requests and archives that are under way are not counted
   * by the new ones, lists and connections are, and a rate begins anew. What `nodeLimits` says of headers
   * and of idle connections stays as it was when the server began to listen. CONFIG_INVALID, and all as
   * it was, where `trustedProxies` is wrong.
   */
  setLimits(
    limits: Pick<ServerOptions, "limits" | "clientLimits" | "nodeLimits" | "trustedProxies">,
  ): void;
  /**
   * Takes no more requests, ends watches, waits for what is under way, cuts off what is left, and
   * disposes the workspaces, which waits for their fills.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
}

const drainMsDefault = 30_000;

/**
 * Makes a server of the HTTP API. It holds nothing but what it is given and what it opened.
 *
 * @example
 * const server = createServer({ open: () => Promise.resolve(workspace) });
 * const { url } = await server.listen({ port: 7070 });
 * await server.close();
 */
export function createServer(options: ServerOptions): Server {
  const clock = options.clock ?? systemClock;
  const closing = new AbortController();
  const cutOff = new AbortController();
  const workspaces = createWorkspaces(options.open);
  let access = options.access ?? openToThisMachine(clock);
  let accessReplaced = new AbortController();
  let limits = { ...serverLimitsDefault, ...options.limits };
  let gate = clientGate(options.clientLimits, clock);
  let nodeLimits = { ...nodeLimitsDefault, ...options.nodeLimits };
  let proxies = trustedProxies(options.trustedProxies ?? []);
  const service: Service = {
    access: () => access,
    accessReplaced: () => accessReplaced.signal,
    get gate() {
      return gate;
    },
    clientAddress: (incoming) => clientAddress(incoming, proxies),
    audit: options.audit,
    workspaces,
    lists: byteBudget(),
    endOfTurn: turnEnds(),
    get limits() {
      return limits;
    },
    clock,
    mintRequestId: requestIds(),
    closing: closing.signal,
    cutOff: cutOff.signal,
    tracing: options.tracing,
    onEnd: tellingAll(options),
  };
  let document: string | undefined;
  const routes = allRoutes({
    ready: createReadiness({
      workspaces,
      namespaces: options.namespaces ?? ["default"],
      closing: closing.signal,
      limits: service.limits,
      clock,
    }),
    metrics: options.metrics,
    document: () => (document ??= JSON.stringify(openApiDocument(routes.map(declarationOf)))),
  });
  const { pageFolder } = options;
  const pages = pageFolder === undefined ? undefined : readPages(pageFolder);
  const serve = requestListener(createRouter(service, routes, pages), createServeRequest(service));
  let listener: Promise<Listener> | undefined;
  let address: ServerAddress | undefined;
  let closed: Promise<void> | undefined;

  async function close({ drainMs = drainMsDefault }: CloseOptions): Promise<void> {
    const ending = new Error("the server ends");
    closing.abort(abortedError("serve", AbortSignal.abort(ending)));
    const listening = await listener?.catch(() => undefined);
    await listening?.drain(drainMs, clock);
    cutOff.abort(abortedError("serve", AbortSignal.abort(ending)));
    await listening?.end();
    await workspaces[Symbol.asyncDispose]();
  }

  return {
    get address() {
      return address;
    },
    setAccess(next) {
      access = next;
      const replaced = accessReplaced;
      accessReplaced = new AbortController();
      const reason = AbortSignal.abort(new Error("other access rules hold"));
      replaced.abort(abortedError("serve", reason));
    },
    setLimits(next) {
      proxies = trustedProxies(next.trustedProxies ?? []);
      nodeLimits = { ...nodeLimitsDefault, ...next.nodeLimits };
      const { connectionsMax } = nodeLimits;
      void listener?.then(
        (listening) => listening.limit({ connectionsMax }),
        () => undefined,
      );
      limits = { ...serverLimitsDefault, ...next.limits };
      gate = clientGate(next.clientLimits, clock);
    },
    async listen(where = {}) {
      if (listener !== undefined || closed !== undefined) throw listensOnce();
      checkListening(access, where.host ?? "127.0.0.1");
      const bounds = (): ConnectionBounds => ({ ...nodeLimits, proxies });
      listener = listen(where, nodeLimits, bounds, serve);
      const { host, port, url } = await listener;
      address = { host, port, url };
      return address;
    },
    close: (how = {}) => (closed ??= close(how)),
  };
}

const declarationOf = ({ declaration }: Route): RouteDeclaration => declaration;

/** Tells of each request to whoever wants to know. */
function tellingAll({ metrics, logger, onRequest }: ServerOptions): Service["onEnd"] {
  return (record) => {
    metrics?.request(record);
    const isLogged = logger?.writesRequest?.(record.status) ?? logger !== undefined;
    if (isLogged) logger?.request(loggedOf(record));
    onRequest?.(record);
  };
}

/** What goes into a log line: no digest or tag is a secret, and an error says what failed. */
function loggedOf(record: RequestRecord): RequestSummary & Readonly<Record<string, unknown>> {
  const { error, cause, params, ...rest } = record;
  if (error === undefined) return { ...rest, ...params };
  const isOurs = isStoreError(cause);
  const stack = isOurs || !(cause instanceof Error) ? undefined : cause.stack;
  // What a caller is not told: the words of a service, of a bucket that is none of theirs.
  const because = isOurs && isStoreError(cause.cause) ? cause.cause.message : undefined;
  return { ...rest, ...params, error: isOurs ? cause.message : String(cause), because, stack };
}

function openToThisMachine(clock: Clock): Access {
  return openAccess(
    {
      mode: "none",
      tokens: [],
      jwt: [],
      anonymous: undefined,
      secrets: [],
      hosts: [],
      corsOrigins: [],
      namespaces: new Map(),
    },
    { host: "127.0.0.1", secrets: [], clock },
  );
}

/** Makes ids that no two requests share: a random word for the server, and a count. */
function requestIds(): () => string {
  const server = randomBytes(6).toString("hex");
  let count = 0;
  return () => {
    count += 1;
    return `${server}-${count.toString(36)}`;
  };
}

function listensOnce(): StoreError {
  const message = "a server listens once; make another";
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "listen", message });
}
