import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/**
 * Resolves to a port of the loopback that was free a moment ago. Somebody else may take it
 * before it is used, so whoever uses it tries again with another.
 */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
