import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import { canonicalAddress, peerAddress } from "./ip-address.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Proxies that a request is followed back through; a chain of more is no chain but a mistake. */
export const hopsMax = 32;
/** Characters of the longest entry: an IPv6 address in brackets, its port, and blanks around it. */
const entryCharsMax = 80;

/** An entry of X-Forwarded-For: `1.2.3.4`, `1.2.3.4:55`, `2001:db8::1`, `[2001:db8::1]` or `[…]:55`. */
const entryGrammar =
  /^[ \t]*(?:\[([0-9a-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}|([0-9a-f:.]+))[ \t]*$/i;

/**
 * Returns the address that a request comes from: that of its connection, unless a trusted proxy holds
 * it. Each proxy adds whom it heard at the right of X-Forwarded-For, so that is read from there: the
 * first that is no trusted proxy is the client, and what stands left of it is what the client says.
 * Where an entry is no address, or none is left, the last address is returned that a proxy vouched for.
 *
 * Several headers were joined in their order by node:http, and are read as one.
 */
export function clientAddress(
  { socket: { remoteAddress }, headers }: Pick<IncomingMessage, "socket" | "headers">,
  proxies: TrustedProxies | undefined,
): string | undefined {
  if (proxies === undefined || remoteAddress === undefined) return remoteAddress;
  const given = headers["x-forwarded-for"];
  if (given === undefined) return remoteAddress;
  const peer = peerAddress(remoteAddress);
  return proxies.has(peer) ? farthestKnown(peer, given.toString(), proxies) : peer;
}

function farthestKnown(peer: string, forwarded: string, proxies: TrustedProxies): string {
  let known = peer;
  let end = forwarded.length;
  for (let hops = 0; hops < hopsMax; hops += 1) {
    const comma = end === 0 ? -1 : forwarded.lastIndexOf(",", end - 1);
    // An empty entry is not passed over: what is left of it nobody vouches for.
    const address = addressOf(forwarded, comma + 1, end);
    if (address === undefined) return known;
    known = address;
    if (comma < 0 || !proxies.has(address)) return known;
    end = comma;
  }
  return known;
}

function addressOf(forwarded: string, start: number, end: number): string | undefined {
  if (end - start > entryCharsMax) return undefined;
  const [, bracketed, withPort, bare] = entryGrammar.exec(forwarded.slice(start, end)) ?? [];
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  return canonicalAddress(bracketed ?? withPort ?? bare ?? "");
}
