import type { Recipe } from "./recipe.ts";
import type { ToxiproxyService } from "./services.ts";

/** Toxiproxy, for tests that cut or slow connections. Its proxies are made over its API. */
export const toxiproxy: Recipe<ToxiproxyService> = {
  service: "toxiproxy",
  title: "toxiproxy",
  binary: "toxiproxy-server",
  install: {
    kind: "go",
    module: "github.com/Shopify/toxiproxy/v2/cmd/server",
    version: "v2.5.0",
    goName: "server",
    duration: "about 15 seconds",
  },
  compose: { name: "toxiproxy", portVariable: "BITSTORE_COMPOSE_TOXIPROXY_PORT" },
  fromEnvironment: (environment) => {
    const apiUrl = environment["BITSTORE_TEST_TOXIPROXY_URL"];
    return apiUrl ? { apiUrl: apiUrl.replace(/\/+$/, "") } : undefined;
  },
  endpointAt: (port) => ({ apiUrl: `http://127.0.0.1:${port}` }),
  probeUrl: ({ apiUrl }) => `${apiUrl}/version`,
  isReady: (status) => status === 200,
  launch: ({ port }) => ({ arguments: ["-host", "127.0.0.1", "-port", String(port)] }),
};
