import { IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Router } from "./router.ts";
import type { ServeRequest } from "./serve-request.ts";

/**
 * Makes the listener of a server. A read of a blob goes to its route at once, all else through the
 * router; either goes through `serve` first.
 */
export function requestListener(router: Router, serve: ServeRequest): RequestListener {
  const routed = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const isPlain = incoming instanceof IncomingMessage && outgoing instanceof ServerResponse;
      if (!isPlain) throw new TypeError("this server speaks HTTP/1.1 only");
      await serve(incoming, outgoing, (arrival) => router.route(arrival, request));
      return RESPONSE_ALREADY_SENT;
    },
    { overrideGlobalObjects: false, autoCleanupIncoming: false },
  ) as RequestListener;
  return (incoming, outgoing) => {
    const direct = router.direct(incoming.method, incoming.url);
    if (direct === undefined) routed(incoming, outgoing);
    else serve(incoming, outgoing, direct).catch(() => outgoing.destroy());
  };
}
