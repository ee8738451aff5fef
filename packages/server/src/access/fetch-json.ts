import { type IncomingMessage, request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { collect, StoreError } from "@bitstore/core";
import { addressFence, type AddressFence } from "./public-address.ts";

/** Bytes of the longest answer; a key set of a hundred keys has a fifth of it. */
const answerBytesMax: number = 256 * 1024;
const redirectsMax = 3;

/** Fetches a JSON document. Rejects with UNAVAILABLE where there is none to be had. */
export type FetchJson = (url: URL, signal: AbortSignal) => Promise<unknown>;

export interface FetchJsonOptions {
  /** Lets private addresses be asked, and `http:`; for an issuer of one's own network. */
  readonly allowPrivate: boolean;
}

/**
 * Makes a fetch that goes only where the config says: no credentials, at most three redirects and none
 * to another origin, public addresses alone, a bounded answer. `https:` is required, since whoever can
 * change the answer can sign for anybody.
 */
export function fetchJson({ allowPrivate }: FetchJsonOptions): FetchJson {
  const fence = addressFence(allowPrivate);
  return async (from, signal) => {
    let url = from;
    for (let hops = 0; ; hops += 1) {
      if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:")) {
        throw unavailable(from, "it is not https");
      }
      const answer = await ask(url, fence, signal).catch((cause: unknown) => {
        throw unavailable(from, wordOf(cause), cause);
      });
      const { statusCode = 0, headers } = answer;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        answer.destroy();
        url = redirected(url, headers.location, from, hops);
        continue;
      }
      if (statusCode !== 200) {
        answer.destroy();
        throw unavailable(from, `it answered ${statusCode}`);
      }
      try {
        return JSON.parse(Buffer.from(await collect(answer, answerBytesMax)).toString("utf8"));
      } catch (cause) {
        throw unavailable(from, "its answer is no JSON, or too long", cause);
      }
    }
  };
}

function redirected(url: URL, location: string, from: URL, hops: number): URL {
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
  if (next === undefined || next.origin !== from.origin) {
    throw unavailable(from, "it redirects to another origin, which is not followed");
  }
  if (hops >= redirectsMax) throw unavailable(from, "it redirects without end");
  return next;
}

function ask(url: URL, fence: AddressFence, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  // An address needs no look-up, so the guarded one would never see it.
  if (isIP(host) !== 0 && !fence.allows(host)) {
    return Promise.reject(new Error("the host is a private address"));
  }
  const options: RequestOptions = {
    signal,
    lookup: fence.lookup,
    agent: false,
    headers: { accept: "application/json, application/jwk-set+json" },
  };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === "https:"
        ? requestHttps(url, options, resolve)
        : requestHttp(url, options, resolve);
    request.on("error", reject);
    request.end();
  });
}

function wordOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return `it could not be asked${code}`;
}

function unavailable(url: URL, message: string, cause?: unknown): StoreError {
  const subject = url.origin + url.pathname;
  return new StoreError({ code: "UNAVAILABLE", operation: "fetch", subject, message, cause });
}
