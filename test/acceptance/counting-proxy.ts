import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy before a service that passes everything on as it is, and counts. */
export interface CountingProxy extends AsyncDisposable {
  /** Like the target's URL, with the proxy's host and port. */
  readonly endpoint: string;
  /** Requests since the start, or since the last call of `reset`. */
  requests(): number;
  reset(): void;
}

/**
 * Starts a counting proxy on a free port. The Host header is passed on as it came, so signatures
 * that cover it hold: a client must be given the proxy's own endpoint.
 */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port, pathname } = new URL(target);
  let requests = 0;
  const server = createServer((incoming, response) => {
    requests += 1;
    const { method, url: path, headers } = incoming;
    const outgoing = forward({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const own = (server.address() as AddressInfo).port;
  return {
    endpoint: `http://127.0.0.1:${own}${pathname === "/" ? "" : pathname}`,
    requests: () => requests,
    reset: () => {
      requests = 0;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
