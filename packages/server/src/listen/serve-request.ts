import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { checkHeaders } from "../limits/request-headers.ts";
import { checkTarget } from "../limits/request-target.ts";
import { type Arrival, refuse, type Service } from "./run-route.ts";

/** Serves what came in: by `route`, if it passes what every request must. */
export type ServeRequest = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  route: (arrival: Arrival) => Promise<void>,
) => Promise<void>;

/** A request's own name for itself, where it is one that may stand in headers and logs. */
const requestIdGrammar = /^[\w.:-]{1,64}$/;

/**
 * Makes the function that each request goes through first: what could be read in two ways is refused,
 * then what comes from pages of other sites; what is left is routed.
 */
export function createServeRequest(service: Service): ServeRequest {
  /** Connections that a request came by whose end is doubtful. */
  const doubtful = new WeakSet<Socket>();

  async function serve(
    arrival: Arrival,
    route: (arrival: Arrival) => Promise<void>,
  ): Promise<void> {
    const { incoming, outgoing } = arrival;
    // What comes behind such a request may be a part of it, which somebody meant to smuggle in.
    if (doubtful.has(incoming.socket)) {
      outgoing.destroy();
      return;
    }
    try {
      checkFraming(arrival);
      checkTarget(incoming.url ?? "");
      if (answerPreflight(service, arrival)) return;
      await route(arrival);
    } catch (error) {
      const outcome = { route: undefined, principal: undefined, params: {}, error };
      await refuse(service, arrival, outcome);
    }
  }

  function checkFraming({ incoming, outgoing }: Arrival): void {
    try {
      checkHeaders(incoming.rawHeaders);
    } catch (error) {
      doubtful.add(incoming.socket);
      outgoing.shouldKeepAlive = false;
      throw error;
    }
  }

  return (incoming, outgoing, route) => {
    const { headers, socket, method = "" } = incoming;
    const given = headers["x-request-id"];
    const isGiven = typeof given === "string" && requestIdGrammar.test(given);
    const requestId = isGiven ? given : service.mintRequestId();
    const startedMs = service.clock.now();
    const writtenBefore = socket.bytesWritten;
    const remote = service.clientAddress(incoming);
    const arrival = {
      incoming,
      outgoing,
      requestId,
      startedMs,
      writtenBefore,
      remote,
      endSpan: undefined,
    };
    // What can't be written any more is told by `close`; nobody waits for the error itself.
    outgoing.on("error", ignore);
    if (service.closing.aborted) outgoing.shouldKeepAlive = false;
    if (service.tracing === undefined) return serve(arrival, route);
    const traceparent = headers["traceparent"]?.toString();
    const tracestate = headers["tracestate"]?.toString();
    return service.tracing.request({ method, requestId, traceparent, tracestate }, (endSpan) =>
      serve({ ...arrival, endSpan }, route),
    );
  };
}

const ignore = (): void => undefined;

/** Keeps pages of other sites out, and tells those of listed ones what they may send. */
function answerPreflight(service: Service, { incoming, outgoing, requestId }: Arrival): boolean {
  const { fence, cors } = service.access();
  const { host, origin, "sec-fetch-site": site } = incoming.headers;
  fence({ host, origin, "sec-fetch-site": typeof site === "string" ? site : undefined });
  const answer = cors.answer(origin);
  for (const name in answer) outgoing.setHeader(name, answer[name] ?? "");
  if (incoming.method !== "OPTIONS") return false;
  const method = incoming.headers["access-control-request-method"];
  const allowed = cors.preflight(origin, method);
  if (allowed === undefined) return false;
  outgoing.writeHead(204, { ...allowed, "x-request-id": requestId });
  outgoing.end();
  return true;
}
