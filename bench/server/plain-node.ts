/** Serves files by their names from memory, with nothing done but that: the floor of a Node server. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";

const blobs = new Map(
  process.argv.slice(2).map((file) => [`/${basename(file)}`, readFileSync(file)]),
);
const server = createServer((request, response) => {
  const bytes = blobs.get(request.url ?? "");
  if (bytes === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-length": bytes.byteLength }).end(bytes);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
