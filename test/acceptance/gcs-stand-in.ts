import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** A service that speaks as much of the JSON API as a put and a get need, and keeps files. */
export interface GcsStandIn extends AsyncDisposable {
  readonly endpoint: string;
}

/**
 * Starts the stand-in. fake-gcs-server holds all objects in memory, several times over, and hashes
 * all that it has at every part, so gibibytes are out of its reach on a small machine. What is
 * measured here is the client, which sends and receives the same requests.
 */
export async function startGcsStandIn(folder: string): Promise<GcsStandIn> {
  const objects = new Map<string, string>();
  const sessions = new Map<
    string,
    { readonly name: string; readonly file: string; size: number }
  >();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const upload = url.searchParams.get("uploadType");
    const session = sessions.get(url.searchParams.get("upload_id") ?? "");
    if (request.method === "POST" && upload !== null) {
      const name = url.searchParams.get("name") ?? "";
      const file = join(folder, `object-${sessions.size + objects.size}`);
      if (upload === "resumable") {
        request.resume();
        const id = `session-${sessions.size}`;
        sessions.set(id, { name, file, size: 0 });
        response.setHeader("location", `/upload/storage/v1/b/b/o?upload_id=${id}`);
        response.end("{}");
        return;
      }
      await pipeline(request, createWriteStream(file));
      objects.set(name, file);
      response.end(JSON.stringify(await described(name, file)));
    } else if (request.method === "PUT" && session !== undefined) {
      const flags = session.size === 0 ? "w" : "a";
      await pipeline(request, createWriteStream(session.file, { flags }));
      session.size = (await stat(session.file)).size;
      const total = request.headers["content-range"]?.split("/")[1];
      if (total === String(session.size)) {
        objects.set(session.name, session.file);
        response.end(JSON.stringify(await described(session.name, session.file)));
      } else {
        response
          .writeHead(308, { range: `bytes=0-${session.size - 1}`, "content-length": 0 })
          .end();
      }
    } else if (request.method === "GET") {
      await give(url, response);
    } else {
      response.writeHead(501).end();
    }
  }

  async function give(url: URL, response: ServerResponse): Promise<void> {
    const [, name] = /\/o\/([^/]+)$/.exec(url.pathname) ?? [];
    const key = decodeURIComponent(name ?? "");
    const file = objects.get(key);
    if (name === undefined) response.end(JSON.stringify({ name: "b", items: [] }));
    else if (file === undefined) response.writeHead(404).end("{}");
    else if (url.searchParams.get("alt") === "media") {
      const { size } = await stat(file);
      response.writeHead(200, { "content-length": size, "x-goog-generation": "1" });
      await pipeline(createReadStream(file), response);
    } else response.end(JSON.stringify(await described(key, file)));
  }

  async function described(name: string, file: string): Promise<object> {
    return { name, generation: "1", size: String((await stat(file)).size) };
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
