import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { StoreError } from "@bitstore/core";

/** The files of a page, in memory. */
export interface Pages {
  /** Answers a request for one of them; false where it is for none. */
  send(request: {
    readonly incoming: IncomingMessage;
    readonly outgoing: ServerResponse;
    readonly requestId: string;
  }): boolean;
}

/** Bytes of all files of a page. */
const pagesBytesMax = 16 * 2 ** 20;

const media: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** A page that shows what is stored must run nothing but its own files, and be framed by nobody. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

interface Page {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | number>>;
}

/**
 * Reads the files of a folder, once: what is served is what was there, and no request names a path of
 * the disk. `index.html` is at `/`.
 *
 * @throws CONFIG_INVALID where the folder can't be read or is too large.
 */
export function readPages(folder: string): Pages {
  const pages = new Map<string, Page>();
  let size = 0;
  for (const name of filesOf(folder)) {
    const bytes = readFileSync(join(folder, name));
    size += bytes.byteLength;
    if (size > pagesBytesMax) throw unreadable(folder, `it has more than ${pagesBytesMax} bytes`);
    const path = name.split(sep).join("/");
    pages.set(path === "index.html" ? "/" : `/${path}`, pageOf(path, bytes));
  }
  return {
    send({ incoming, outgoing, requestId }) {
      const { method, url = "", headers } = incoming;
      const page = pages.get(url.split("?", 1)[0] ?? "");
      if (page === undefined || (method !== "GET" && method !== "HEAD")) return false;
      const isKnown = headers["if-none-match"] === page.headers["etag"];
      const all = { ...page.headers, "x-request-id": requestId };
      outgoing.writeHead(isKnown ? 304 : 200, all);
      outgoing.end(isKnown ? undefined : page.bytes);
      return true;
    },
  };
}

function pageOf(path: string, bytes: Buffer): Page {
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return {
    bytes,
    headers: {
      "content-type": media[extname(path)] ?? "application/octet-stream",
      "content-length": bytes.byteLength,
      etag: `"${hash}"`,
      // Names with a hash in them never change; the page that names them does.
      "cache-control": /[-.][\w-]{8,}\.\w+$/.test(path)
        ? "public, max-age=31536000, immutable"
        : "no-cache",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
    },
  };
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      statSync(join(folder, name)).isFile(),
    );
  } catch {
    throw unreadable(folder, "it can't be read; npm run build makes it");
  }
}

function unreadable(folder: string, message: string): StoreError {
  return new StoreError({ code: "CONFIG_INVALID", operation: "serve", subject: folder, message });
}
