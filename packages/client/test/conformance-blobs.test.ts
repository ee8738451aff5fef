import { describeBlobStore } from "@bitstore/conformance";
import type { BlobStore } from "@bitstore/core";
import { describe } from "vitest";
import { type BitstoreClient, bitstoreClient } from "../src/index.ts";
import { type Backend, backends, type LiveServer, liveServer } from "./backends.ts";

// The suite of every store passes through the client, against a live server before each kind of
// store: in memory, on a disk, and the composite of three clouds.

for (const backend of backends) {
  describe.skipIf(!backend.isThere)(backend.name, () => conforms(backend));
}

function conforms(backend: Backend): void {
  const servers: LiveServer[] = [];
  const clients: BitstoreClient[] = [];
  const clientOf = (url: string | undefined): BlobStore => {
    if (url === undefined) throw new Error("open comes first");
    const client = bitstoreClient({ url, environment: {} });
    clients.push(client);
    return client.store;
  };
  describeBlobStore(`client on ${backend.name}`, {
    open: async () => {
      const server = await liveServer(backend);
      servers.push(server);
      return clientOf(server.url);
    },
    reopen: async () => clientOf(servers[0]?.url),
    openUnreachable: async () => clientOf("http://127.0.0.1:9"),
    dispose: async () => {
      for (const client of clients) await client[Symbol.asyncDispose]();
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  });
}
