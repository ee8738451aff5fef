import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** An S3 service in memory that takes `If-None-Match` and does not heed it, as some clones do. */
export interface CarelessS3 extends AsyncDisposable {
  /** Its URL, as `--tier` and `--metadata` take it. */
  readonly url: string;
  readonly objects: ReadonlyMap<string, Buffer>;
}

export async function openCarelessS3(): Promise<CarelessS3> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    answer(objects, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const options = "region=us-east-1&pathStyle=true&anonymous=true";
  return {
    url: `s3://bucket/?endpoint=http://127.0.0.1:${port}&${options}`,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  objects: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://careless");
  const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ""));
  if (request.method === "PUT") {
    const bytes = await buffer(request);
    objects.set(key, bytes);
    response.writeHead(200, { etag: tagOf(bytes) }).end();
    return;
  }
  request.resume();
  if (request.method === "DELETE") {
    objects.delete(key);
    response.writeHead(204).end();
    return;
  }
  if (key === "") {
    response.writeHead(200, { "content-type": "application/xml" }).end(list(objects, url));
    return;
  }
  const found = objects.get(key);
  if (found === undefined) {
    const body = "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
    response.writeHead(404, { "content-type": "application/xml" });
    response.end(request.method === "HEAD" ? undefined : body);
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const start = Number(from ?? 0);
  const end = to === undefined || to === "" ? found.byteLength : Number(to) + 1;
  if (start > 0 && start >= found.byteLength) {
    const body = "<Error><Code>InvalidRange</Code><Message>none</Message></Error>";
    response.writeHead(416, { "content-type": "application/xml" }).end(body);
    return;
  }
  const bytes = found.subarray(start, end);
  const headers: Record<string, string | number> = {
    etag: tagOf(found),
    "last-modified": new Date().toUTCString(),
    "content-length": bytes.byteLength,
  };
  if (from !== undefined) {
    headers["content-range"] = `bytes ${start}-${start + bytes.byteLength - 1}/${found.byteLength}`;
  }
  response.writeHead(from === undefined ? 200 : 206, headers);
  response.end(request.method === "HEAD" ? undefined : bytes);
}

function list(objects: ReadonlyMap<string, Buffer>, { searchParams }: URL): string {
  const prefix = searchParams.get("prefix") ?? "";
  const after = searchParams.get("continuation-token") ?? searchParams.get("start-after") ?? "";
  const delimiter = searchParams.get("delimiter");
  const keysMax = Number(searchParams.get("max-keys") ?? 1000);
  const items = new Map<string, string>();
  for (const key of [...objects.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? key : key.slice(0, cut + 1);
    if (name <= after || (cut >= 0 && after.startsWith(name))) continue;
    items.set(
      name,
      cut < 0 ? contentsOf(key, objects.get(key) ?? Buffer.alloc(0)) : prefixOf(name),
    );
  }
  const shown = [...items].slice(0, keysMax);
  const isCut = shown.length < items.size;
  const next = isCut ? `<NextContinuationToken>${shown.at(-1)?.[0]}</NextContinuationToken>` : "";
  const entries = shown.map(([, xml]) => xml).join("");
  return `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${next}${entries}</ListBucketResult>`;
}

function contentsOf(key: string, bytes: Buffer): string {
  const modified = `<LastModified>${new Date().toISOString()}</LastModified>`;
  const tag = `<ETag>${tagOf(bytes)}</ETag><Size>${bytes.byteLength}</Size>`;
  return `<Contents><Key>${key}</Key>${modified}${tag}</Contents>`;
}

function prefixOf(name: string): string {
  return `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`;
}

function tagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}
