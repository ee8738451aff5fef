import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy that answers late. */
export interface SlowProxy extends AsyncDisposable {
  /** The target's URL with the proxy's host and port. */
  readonly endpoint: string;
  /** Requests since the last call of it. */
  takeRequests(): number;
}

/** Milliseconds by which one answer is late. */
export type Delay = () => number;

/** Starts a proxy before a service, each of whose answers is late by a time of its own. */
export async function startSlowProxy(target: string, delay: Delay): Promise<SlowProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  let requests = 0;
  const server = createServer((incoming, response) => {
    requests += 1;
    const { method, url: path, headers } = incoming;
    const timer = setTimeout(() => {
      const outgoing = request({ hostname, port, method, path, headers, agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      });
      outgoing.on("error", () => response.destroy());
      response.on("close", () => outgoing.destroy());
      incoming.pipe(outgoing);
    }, delay());
    response.on("close", () => clearTimeout(timer));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${own}`,
    takeRequests() {
      const taken = requests;
      requests = 0;
      return taken;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
