import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, errorTable, isStoreError, StoreError } from "@bitstore/core";
import type { RequestSummary, TracedEnd, Tracing } from "@bitstore/telemetry";
import { openPrincipal } from "../access/authenticate.ts";
import { authorize } from "../access/authorize.ts";
import type { Access } from "../access/open-access.ts";
import type { Principal } from "../access/principal.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { AuditActor } from "../audit/audit-record.ts";
import { auditedStore, auditedTags } from "../audit/audited-workspace.ts";
import type { ByteBudget } from "../limits/byte-budget.ts";
import { clientKey } from "../limits/client-key.ts";
import type { ClientGate } from "../limits/client-limits.ts";
import { peerAddress } from "../limits/ip-address.ts";
import { onceTaken } from "../limits/untaken.ts";
import { type Exchange, exchangeSignal } from "../routes/exchange.ts";
import type { Route } from "../routes/route.ts";
import type { OpenedWorkspace, Workspaces } from "../routes/workspaces.ts";
import type { ServerLimits } from "../server-limits.ts";
import { linger } from "../wire/linger.ts";
import { problemOf, toStoreError, writeProblem } from "../wire/problem.ts";
import { awaitsContinue, declaredSize } from "../wire/request-body.ts";
import { breakOff } from "../wire/send-bytes.ts";

/** What a server asks about requests. */
export type ServerAccess = Access;

/** What all requests of a server share. */
export interface Service {
  /** What decides about requests now; a new config may change it. */
  readonly access: () => ServerAccess;
  /** Returns what aborts when other rules hold than those of now. */
  readonly accessReplaced: () => AbortSignal;
  readonly gate: ClientGate;
  /** Bytes of lists that are held for all requests. */
  readonly lists: ByteBudget;
  readonly endOfTurn: () => Promise<void>;
  /** Finds where a request comes from; undefined where its connection has ended. */
  readonly clientAddress: (incoming: IncomingMessage) => string | undefined;
  /** Where it is recorded what callers change; undefined: nowhere. */
  readonly audit: AuditLog | undefined;
  readonly workspaces: Workspaces;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly mintRequestId: () => string;
  /** Aborts when the server begins to end. */
  readonly closing: AbortSignal;
  /** Aborts when it waits no longer for those who are being served. */
  readonly cutOff: AbortSignal;
  /** Follows requests down to what tiers are asked; undefined: nobody looks. */
  readonly tracing: Tracing | undefined;
  /** Is told of each request, once it is over. It must not throw. */
  readonly onEnd: (record: RequestRecord) => void;
}

/** What became of one request; its status is 499 where the client went away. */
export interface RequestRecord extends RequestSummary {
  readonly operationId: string | undefined;
  readonly principal: string | undefined;
  readonly namespace: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly error: StoreError | undefined;
  /** What was thrown where it was no error of ours. */
  readonly cause: unknown;
}

/** A request as the router hands it on. */
export interface Arrival {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly startedMs: number;
  /** Bytes that its connection had written before. */
  readonly writtenBefore: number;
  /** Address of the client: that of the connection, or what a trusted proxy says. */
  readonly remote: string | undefined;
  /** Ends its span, where it is traced. */
  readonly endSpan: ((outcome: TracedEnd) => void) | undefined;
}

/** Who asks for what has no scope: nobody is asked who they are. */
const anybody = openPrincipal();

/** Serves one request by a route: who calls, whether they may, the answer or the error. */
export async function runRoute(
  service: Service,
  route: Route,
  arrival: Arrival,
  params: Readonly<Record<string, string>>,
  allow: string,
): Promise<void> {
  let principal: Principal | undefined;
  let leave: (() => void) | undefined;
  try {
    checkExpectation(arrival.incoming);
    const access = service.access();
    // Taken with the rules themselves: they may be replaced while it is asked who calls.
    const accessReplaced = service.accessReplaced();
    const isPublic = route.declaration.scope === "public";
    principal = isPublic ? anybody : await identify(service, access, arrival);
    const client = clientKey(principal, arrival.remote);
    leave = service.gate.enter(client);
    authorize(principal, route.declaration, params["tag"]);
    const entry = { access, accessReplaced, principal, client };
    await route.handle(exchangeOf(service, entry, arrival, params));
    record(service, arrival, { route, principal, params, error: undefined });
  } catch (thrown) {
    const outcome = { route, principal, params, error: thrown };
    await refuse(service, arrival, outcome, allowOf(thrown, allow));
  } finally {
    const { incoming, outgoing } = arrival;
    const { slow } = service.limits;
    if (leave !== undefined) onceTaken(incoming, outgoing, { slow, clock: service.clock }, leave);
  }
}

/** A client that expects what is not heeded would wait for it. */
function checkExpectation({ headers }: IncomingMessage): void {
  if (headers.expect === undefined || headers.expect.toLowerCase() === "100-continue") return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: "Expect",
    message: "100-continue is all that can be expected",
  });
}

async function identify(
  { gate }: Service,
  { authenticate }: ServerAccess,
  { incoming, remote }: Arrival,
): Promise<Principal> {
  try {
    return await authenticate({ authorization: incoming.headers.authorization });
  } catch (error) {
    if (isStoreError(error, "UNAUTHENTICATED")) {
      gate.refused(clientKey(undefined, remote));
    }
    throw error;
  }
}

/** Who was let in, and by which rules. */
interface Entry extends Pick<Exchange, "principal" | "client" | "accessReplaced"> {
  readonly access: ServerAccess;
}

function exchangeOf(
  service: Service,
  { access, accessReplaced, principal, client }: Entry,
  arrival: Arrival,
  params: Readonly<Record<string, string>>,
): Exchange {
  const { receipts, isPrivate, date } = access;
  const { incoming, outgoing, requestId } = arrival;
  const { gate, endOfTurn, limits, lists, clock, workspaces, closing, cutOff, audit } = service;
  const url = incoming.url ?? "";
  const mark = url.indexOf("?");
  return {
    incoming,
    outgoing,
    requestId,
    principal,
    client,
    accessReplaced,
    isPrivate,
    receipts,
    params,
    search: mark < 0 ? "" : url.slice(mark + 1),
    limits,
    lists,
    clock,
    date,
    endOfTurn,
    enterArchive: () => gate.enterArchive(client),
    workspace: async () => {
      const opened = await workspaces.of(principal.namespace);
      return audit === undefined ? opened : audited(opened, audit, actorOf(arrival, principal));
    },
    signal: exchangeSignal(outgoing, cutOff),
    closing,
  };
}

/** What a tier can't do is told like a method that the path does not take: RFC 9110, 15.5.6. */
function allowOf(error: unknown, allow: string): Record<string, string> {
  return isStoreError(error, "UNSUPPORTED") ? { allow } : {};
}

function audited(workspace: OpenedWorkspace, log: AuditLog, actor: AuditActor): OpenedWorkspace {
  const { store, tags } = workspace;
  return {
    ...workspace,
    store: auditedStore(store, log, actor),
    tags: tags === undefined ? undefined : auditedTags(tags, log, actor),
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };
}

function actorOf({ requestId, remote }: Arrival, { name, namespace }: Principal): AuditActor {
  return { principal: name, namespace, requestId, remote: remote && peerAddress(remote) };
}

interface Outcome {
  readonly route: Route | undefined;
  readonly principal: Principal | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly error: unknown;
  /** Sent in place of what the error's code says. */
  readonly status?: number | undefined;
}

/**
 * Answers with an error, or, where a part of the answer was sent, breaks it off. What the client still
 * sends is read for a moment: to a socket that is closed under a sender the answer would be lost.
 */
export async function refuse(
  service: Service,
  arrival: Arrival,
  outcome: Outcome,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { outgoing, incoming } = arrival;
  const error = toStoreError(outcome.error);
  record(service, arrival, { ...outcome, error });
  if (outgoing.headersSent) {
    breakOff(outgoing);
    return;
  }
  if (outgoing.destroyed) return;
  const told = problemOf(error, arrival.requestId, outcome.principal);
  const problem = { ...told, status: outcome.status ?? told.status };
  const isUnread = declaredSize(incoming) !== 0 && !incoming.complete;
  writeProblem(outgoing, problem, {
    ...(isUnread ? { connection: "close" } : {}),
    ...sizeOf(error),
    ...headers,
  });
  // Who waits to be told to send has not sent anything.
  const isSending = isUnread && (!awaitsContinue(incoming) || incoming.readableDidRead);
  if (isSending) await linger(incoming, service.clock, service.limits);
  outgoing.end();
}

/** A range that lies outside is answered with the size, so that the next one need not. */
function sizeOf(error: StoreError): Record<string, string> {
  if (error.code !== "RANGE_NOT_SATISFIABLE" || !("size" in error)) return {};
  return { "content-range": `bytes */${String(error.size)}` };
}

function record(
  service: Service,
  arrival: Arrival,
  { route, principal, params, error, status: given }: Outcome,
): void {
  const { incoming, outgoing, requestId, startedMs, writtenBefore, endSpan } = arrival;
  const told = error === undefined ? undefined : toStoreError(error);
  const ofError = told === undefined ? outgoing.statusCode : errorTable[told.code].http;
  const status = given ?? ofError;
  const path = route?.declaration.path;
  endSpan?.({ route: path, status, code: told?.code });
  service.onEnd({
    requestId,
    method: incoming.method ?? "",
    route: path,
    operationId: route?.declaration.operationId,
    status,
    elapsedMs: service.clock.now() - startedMs,
    code: told?.code,
    bytesIn: declaredSize(incoming),
    bytesOut: Math.max(0, incoming.socket.bytesWritten - writtenBefore),
    principal: principal?.name,
    namespace: principal?.namespace,
    params,
    error: told,
    cause: error,
  });
}
