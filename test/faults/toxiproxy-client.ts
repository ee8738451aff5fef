import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

/** A fault that toxiproxy puts on the connections of a proxy; its documentation lists them. */
export interface Toxic {
  readonly type:
    | "latency"
    | "bandwidth"
    | "slow_close"
    | "timeout"
    | "reset_peer"
    | "limit_data"
    | "slicer";
  /** What the client sends goes upstream; what it gets comes downstream. */
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
}

/** A proxy of its own before a service. */
export interface ToxicProxy extends AsyncDisposable {
  /** The service's URL with the proxy's host and port. */
  readonly endpoint: string;
  /** Puts a fault on all connections, those under way included. */
  add(toxic: Toxic): Promise<void>;
  /** Takes all faults off. */
  clear(): Promise<void>;
}

const callMsMax = 20_000;

/** Opens a proxy before a service, on a port of toxiproxy's choice. */
export async function openToxicProxy(apiUrl: string, target: string): Promise<ToxicProxy> {
  const name = crypto.randomUUID();
  const upstream = new URL(target);
  const made = await call(apiUrl, "POST", "/proxies", {
    name,
    listen: "127.0.0.1:0",
    upstream: upstream.host,
    enabled: true,
  });
  const own = new URL(`http://${(JSON.parse(made) as { readonly listen: string }).listen}`);
  const toxics: string[] = [];
  return {
    endpoint: target.replace(upstream.host, own.host),
    async add(toxic) {
      const toxicName = `toxic-${toxics.length}-${toxic.type}-${toxic.stream}`;
      await call(apiUrl, "POST", `/proxies/${name}/toxics`, { name: toxicName, ...toxic });
      toxics.push(toxicName);
    },
    async clear() {
      for (const toxic of toxics.splice(0)) {
        await call(apiUrl, "DELETE", `/proxies/${name}/toxics/${toxic}`);
      }
    },
    [Symbol.asyncDispose]: async () => void (await call(apiUrl, "DELETE", `/proxies/${name}`)),
  };
}

/** Asks toxiproxy, over a connection that is not kept: the tests count what is left open. */
async function call(apiUrl: string, method: string, path: string, body?: object): Promise<string> {
  const agent = new Agent({ keepAlive: false });
  const signal = AbortSignal.timeout(callMsMax);
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(`${apiUrl}${path}`, { method, agent, signal }, (response) => {
      text(response).then((said) => {
        const status = response.statusCode ?? 0;
        if (status < 300) resolve(said);
        else reject(new Error(`toxiproxy: ${method} ${path}: ${status} ${said}`));
      }, reject);
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
  agent.destroy();
  return answer;
}
