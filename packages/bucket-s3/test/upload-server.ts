import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { answerError, type Got, scriptedServer, type ScriptedServer } from "./scripted-server.ts";

/** What a test makes of the requests of an upload; what it leaves out is answered as S3 does. */
export interface UploadScript {
  create?(answer: ServerResponse): void;
  part?(number: number, attempt: number, answer: ServerResponse): "stored" | undefined | void;
  complete?(attempt: number, answer: ServerResponse, store: () => void): void;
  abort?(answer: ServerResponse): void;
}

/** A server that knows multipart uploads of one object, and of each request one way to fail. */
export interface UploadServer extends ScriptedServer {
  readonly uploads: ReadonlySet<string>;
  /** The most bytes of parts that were with the server, unanswered, at once. */
  readonly partsAtOnce: number;
  readonly aborts: number;
  readonly completes: readonly Got[];
  /** Number of parts in the stored object, or undefined. */
  readonly stored: { readonly etag: string; readonly size: number } | undefined;
}

const md5 = (bytes: Uint8Array): Buffer => createHash("md5").update(bytes).digest();

export async function uploadServer(
  script: UploadScript,
  existing?: { readonly etag: string; readonly size: number },
): Promise<UploadServer> {
  const uploads = new Set<string>();
  const parts = new Map<number, Buffer>();
  const attempts = new Map<number, number>();
  const completes: Got[] = [];
  let stored = existing;
  let aborts = 0;
  let partsNow = 0;
  let partsAtOnce = 0;

  const storePart = (number: number, got: Got, answer: ServerResponse): void => {
    parts.set(number, got.body);
    answer.writeHead(200, { etag: `"${md5(got.body).toString("hex")}"`, "content-length": 0 });
    answer.end();
  };
  const store = (): void => {
    const sorted = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const hash = createHash("md5");
    for (const part of sorted) hash.update(md5(part));
    const size = sorted.reduce((sum, part) => sum + part.byteLength, 0);
    stored = { etag: `${hash.digest("hex")}-${sorted.length}`, size };
    uploads.clear();
  };

  const server = await scriptedServer((got, answer) => {
    const query = new URL(got.url, "http://host").searchParams;
    const number = Number(query.get("partNumber"));
    if (got.method === "POST" && query.has("uploads")) {
      uploads.add("upload-1");
      if (script.create !== undefined) script.create(answer);
      else answerCreated(answer);
    } else if (got.method === "PUT" && number > 0) {
      const attempt = (attempts.get(number) ?? 0) + 1;
      attempts.set(number, attempt);
      partsNow += 1;
      partsAtOnce = Math.max(partsAtOnce, partsNow);
      answer.once("close", () => {
        partsNow -= 1;
      });
      const handled = script.part === undefined ? "stored" : script.part(number, attempt, answer);
      if (handled === "stored") storePart(number, got, answer);
    } else if (got.method === "POST") {
      completes.push(got);
      if (script.complete === undefined) {
        store();
        answerCompleted(answer, stored?.etag ?? "");
      } else script.complete(completes.length, answer, store);
    } else if (got.method === "DELETE") {
      aborts += 1;
      uploads.clear();
      if (script.abort !== undefined) script.abort(answer);
      else answer.writeHead(204).end();
    } else if (got.method === "HEAD" && stored !== undefined) {
      answer.writeHead(200, { etag: `"${stored.etag}"`, "content-length": stored.size }).end();
    } else if (got.method === "HEAD" || stored === undefined) {
      answerError(answer, 404, "NoSuchKey");
    } else {
      answer.writeHead(200, { etag: `"${stored.etag}"`, "content-length": 0 }).end();
    }
  });

  return {
    ...server,
    uploads,
    completes,
    get partsAtOnce() {
      return partsAtOnce;
    },
    get aborts() {
      return aborts;
    },
    get stored() {
      return stored;
    },
  };
}

export function answerCreated(answer: ServerResponse): void {
  answer.writeHead(200, { "content-type": "application/xml" });
  answer.end(
    "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>",
  );
}

export function answerCompleted(answer: ServerResponse, etag: string): void {
  answer.writeHead(200, { "content-type": "application/xml" });
  answer.end(
    "<CompleteMultipartUploadResult>" +
      `<ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`,
  );
}
