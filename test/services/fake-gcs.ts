import type { Recipe } from "./recipe.ts";
import type { GcsService } from "./services.ts";

const projectId = "bitstore-test";

/**
 * fake-gcs-server, over plain HTTP and in memory. Its filesystem backend uses keys as paths (`a`
 * and `a/b` exclude each other, `a//b` is `a/b`, `a/` is not stored) and needs even more memory:
 * measured for one upload of 1 GiB, it peaks at 6.9 GB, the memory backend at 4.8 GB.
 */
export const fakeGcs: Recipe<GcsService> = {
  service: "gcs",
  title: "fake-gcs-server",
  binary: "fake-gcs-server",
  install: {
    kind: "go",
    module: "github.com/fsouza/fake-gcs-server",
    version: "v1.56.1",
    duration: "about a minute",
  },
  compose: { name: "gcs", portVariable: "BITSTORE_COMPOSE_GCS_PORT" },
  fromEnvironment: (environment) => {
    const endpoint = environment["BITSTORE_TEST_GCS_ENDPOINT"];
    if (!endpoint) return undefined;
    return {
      endpoint: endpoint.replace(/\/+$/, ""),
      projectId: environment["BITSTORE_TEST_GCS_PROJECT"] || projectId,
    };
  },
  endpointAt: (port) => ({ endpoint: `http://127.0.0.1:${port}`, projectId }),
  probeUrl: ({ endpoint }) => `${endpoint}/storage/v1/b?project=${projectId}`,
  isReady: (status) => status < 500,
  launch: ({ port }) => ({
    arguments: [
      ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port)],
      // The address in the Location of a resumable upload; by default it is Google's own.
      ["-public-host", `127.0.0.1:${port}`],
      ["-backend", "memory"],
      // One line a request would only push the interesting lines out of what is kept.
      ["-log-level", "warn"],
    ].flat(),
  }),
};
