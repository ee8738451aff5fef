import { type Bytes, type Clock, StoreError } from "@bitstore/core";
import type { Dispatcher } from "undici";
import { type Exchange, exchange, type RequestUrl, type Timing } from "./exchange.ts";
import type { HeaderValues } from "./header-values.ts";
import type { AddressPolicy } from "./private-address.ts";
import { shownUrl } from "./shown-url.ts";
import type { SourceLimits } from "./source-limits.ts";
import { meaningOf } from "./status-table.ts";

/** What asking one API takes. */
export interface Asking {
  readonly source: string;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly limits: SourceLimits;
  readonly headers: HeaderValues;
  readonly addresses: AddressPolicy;
}

export interface Question {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly url: RequestUrl;
  /** Headers of the request itself: none of them is secret, so they go along to other origins. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: (() => Uint8Array | Bytes) | undefined;
  readonly operation: string;
  readonly subject: string;
  readonly signal?: AbortSignal | undefined;
}

const redirectsMax = 3;

/**
 * Asks an API and resolves to its answer, whatever the status: redirects are followed, at most
 * three, and a 401 is asked once more if environment or files have other credentials by now. The
 * configured headers go to the configured origin only, and never again once it was left.
 *
 * Rejects with what {@link exchange} rejects with, and with UNAVAILABLE, permanent, where a redirect
 * may not be followed: off http, off https, with user info, to a private address, or in a circle.
 */
export async function ask(asking: Asking, question: Question): Promise<Exchange> {
  const { dispatcher, clock, timing, limits, headers, source } = asking;
  const { method, operation, subject, signal, body } = question;
  let credentials = await headers.current();
  let isRefreshed = false;
  let isHome = true;
  let { url } = question;
  checkAddress(asking, question, url);
  for (let redirects = 0; ; ) {
    await limits.turn(operation, signal, subject);
    const sent = isHome ? { ...question.headers, ...credentials } : question.headers;
    const answer = await exchange(
      dispatcher,
      { method, url, headers: sent, body: body?.(), signal, operation, subject, source },
      clock,
      timing,
    );
    if (answer.status === 401 && isHome && !isRefreshed) {
      const fresh = await refreshed(headers, credentials, answer);
      if (fresh === undefined) return answer;
      credentials = fresh;
      isRefreshed = true;
      continue;
    }
    if (meaningOf(answer.status).kind !== "redirect") return answer;
    const location = answer.header("location");
    void answer.drain();
    if (redirects === redirectsMax) {
      throw refusal(asking, question, `the API redirects more than ${redirectsMax} times`);
    }
    redirects += 1;
    const next = target(asking, question, url, location);
    isHome &&= next.origin === url.origin;
    url = next;
  }
}

async function refreshed(
  headers: HeaderValues,
  used: Readonly<Record<string, string>>,
  answer: Exchange,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const fresh = await headers.refresh(used);
    if (fresh !== undefined) void answer.drain();
    return fresh;
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

function target(
  asking: Asking,
  question: Question,
  from: RequestUrl,
  location: string | undefined,
): RequestUrl {
  const refuse = (message: string): StoreError => refusal(asking, question, message);
  if (question.method === "PUT") {
    const where = location === undefined ? "" : ` to ${shownUrl(location)}`;
    throw refuse(`the API redirects the upload${where}; configure that URL`);
  }
  const next = location === undefined ? null : URL.parse(location, from.origin + from.path);
  if (next === null) throw refuse("the API redirects to nowhere");
  const where = shownUrl(next.href);
  if (next.protocol !== "https:" && next.protocol !== "http:") {
    throw refuse(`the API redirects to ${next.protocol}, only http and https are followed`);
  }
  if (next.protocol === "http:" && from.origin.startsWith("https:")) {
    throw refuse(`the API redirects from https to ${where}, which is not encrypted`);
  }
  if (next.username !== "" || next.password !== "") {
    throw refuse(`the API redirects to ${where} with user info, which is never sent`);
  }
  const { origin, hostname, pathname, search } = next;
  const url = { origin, hostname, path: pathname + search };
  checkAddress(asking, question, url);
  return url;
}

/** Checks addresses that are written out; those of names are checked when they are connected to. */
function checkAddress(asking: Asking, question: Question, { hostname }: RequestUrl): void {
  if (asking.addresses.allows(hostname)) return;
  const message = `${hostname} is a private address; set privateAddresses if that is meant`;
  throw refusal(asking, question, message);
}

function refusal(asking: Asking, question: Question, message: string): StoreError {
  const { operation, subject } = question;
  const persistence = "permanent";
  const code = "UNAVAILABLE";
  return new StoreError({ code, operation, subject, source: asking.source, message, persistence });
}
