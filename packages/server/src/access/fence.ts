import { StoreError } from "@bitstore/core";
import { isIP } from "node:net";
import { type Host, isLoopback, parseHost } from "./host.ts";

/** What the fence looks at, by lower-case name; undefined where a header is not there. */
export interface FencedHeaders {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly "sec-fetch-site": string | undefined;
}

export interface FenceOptions {
  /**
   * Which hosts are taken besides those of `hosts`: `loopback` names of this machine; `addresses` any
   * IP address as well, which no DNS answer can change; `any` all, where credentials protect.
   */
  readonly also: "loopback" | "addresses" | "any";
  /** Names that clients know the server by, with a port or without. */
  readonly hosts: readonly string[];
  /** Origins of other sites whose pages may ask, as in CORS; `*` for all. */
  readonly origins: readonly string[];
}

/** Lets a request pass, or throws PERMISSION_DENIED. */
export type Fence = (headers: FencedHeaders) => void;

/**
 * Keeps web pages of other sites out. That a server listens on loopback is no fence: each page that the
 * user opens can send requests there, and by answering its own name with 127.0.0.1 (DNS rebinding) it
 * can read the answers too. A rebound page names itself in Host; a page of another site is named by
 * Origin and Sec-Fetch-Site, which browsers set and pages can't. Clients that are no browsers send none
 * of the two.
 *
 * @throws CONFIG_INVALID for an entry of `hosts` that is no host, or of `origins` that is no origin.
 */
export function createFence({ also, hosts, origins }: FenceOptions): Fence {
  const listed = hosts.map(listedHost);
  const sites = new Set(origins.map(checkOrigin));

  const isOurs = ({ name, port }: Host): boolean =>
    also === "any" ||
    isLoopback(name) ||
    (also === "addresses" && isIP(name) !== 0) ||
    listed.some((each) => each.name === name && (each.port === undefined || each.port === port));

  // Whether a Host is ours never changes, and clients name the same one all the time.
  let known: { readonly text: string; readonly host: Host } | undefined;

  function ourHost(text: string | undefined): Host {
    if (known !== undefined && known.text === text) return known.host;
    const host = text === undefined ? undefined : parseHost(text);
    if (text === undefined || host === undefined || !isOurs(host)) {
      throw refused("the Host is not one that this server is known by; list it in server.hosts");
    }
    known = { text, host };
    return host;
  }

  return ({ host: hostText, origin, "sec-fetch-site": site }) => {
    const host = ourHost(hostText);
    if (origin !== undefined && (sites.has("*") || sites.has(origin.toLowerCase()))) return;
    if (origin !== undefined && !isSameHost(origin, host)) {
      throw refused("a page of another site asks; list its origin in server.cors.origins");
    }
    if (site !== undefined && site !== "same-origin" && site !== "none") {
      throw refused("a page of another site asks; list its origin in server.cors.origins");
    }
  };
}

/** Checks an origin and returns it in the form that browsers send. @throws CONFIG_INVALID */
export function checkOrigin(text: string): string {
  if (text === "*") return text;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const { origin, host } = new URL(text);
    if (parseHost(host) !== undefined && origin === text.toLowerCase().replace(/\/$/, ""))
      return origin;
  }
  throw invalid(text, "it is no origin; write scheme, host and port, as https://app.example.com");
}

function listedHost(text: string): Host {
  const host = parseHost(text);
  if (host === undefined) throw invalid(text, "it is no host; write a name, or name:port");
  return host;
}

/** Whether a page's own origin is the server that it asks; `null`, of a sandbox, never is. */
function isSameHost(origin: string, host: Host): boolean {
  const [, scheme, rest = ""] = /^(https?):\/\/(.+)$/i.exec(origin) ?? [];
  const from = parseHost(rest);
  if (scheme === undefined || from === undefined || from.name !== host.name) return false;
  const standard = scheme.toLowerCase() === "https" ? 443 : 80;
  return (from.port ?? standard) === (host.port ?? standard);
}

function refused(message: string): StoreError {
  return new StoreError({ code: "PERMISSION_DENIED", operation: "request", message });
}

function invalid(text: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: JSON.stringify(text.slice(0, 80)),
    message,
  });
}
