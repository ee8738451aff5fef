import { describeTagLog } from "@bitstore/conformance";
import { type Digest, digestOf, type TagLog } from "@bitstore/core";
import { describe } from "vitest";
import { type BitstoreClient, bitstoreClient } from "../src/index.ts";
import { type Backend, backends, type LiveServer, liveServer } from "./backends.ts";

// The suite of every tag log passes through the client, against a live server whose tags point to
// blobs that are there. Each handle is a client of its own.

const absent = await digestOf(Buffer.from("nowhere"), "sha256");

for (const backend of backends) {
  describe.skipIf(!backend.isThere)(backend.name, () => conforms(backend));
}

function conforms(backend: Backend): void {
  const servers: LiveServer[] = [];
  const clients: BitstoreClient[] = [];
  const put = new Map<number, Promise<Digest>>();
  const clientOf = (server: LiveServer | undefined): TagLog => {
    if (server === undefined) throw new Error("open comes first");
    const client = bitstoreClient({ url: server.url, environment: {} });
    clients.push(client);
    return client.tags;
  };
  async function putNumbered(n: number): Promise<Digest> {
    const bytes = Buffer.from(`blob ${n}`);
    const digest = await digestOf(bytes, "sha256");
    await Promise.all(servers.map(({ workspace }) => workspace.store.put(bytes, { digest })));
    return digest;
  }
  describeTagLog(`client on ${backend.name}`, {
    open: async () => {
      const server = await liveServer(backend);
      servers.push(server);
      put.clear();
      return clientOf(server);
    },
    reopen: async () => clientOf(servers[0]),
    target: (n) => {
      const putting = put.get(n) ?? putNumbered(n);
      put.set(n, putting);
      return putting;
    },
    absent,
    dispose: async () => {
      for (const client of clients) await client[Symbol.asyncDispose]();
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  });
}
