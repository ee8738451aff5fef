import { isIP, isIPv4, SocketAddress } from "node:net";

/** What an IPv4 address begins with where it is written as an IPv6 one (RFC 4291, 2.5.5.2). */
const mappedStart = "::ffff:";

/**
 * Returns an IP address in the one form that it has here: an IPv4-mapped IPv6 address is the IPv4 one,
 * IPv6 is lower-case and as short as it gets. Undefined for anything else, an address with a zone too:
 * that is an interface of one machine.
 */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family !== 6 || text.includes("%")) return undefined;
  const { address } = new SocketAddress({ address: text, family: "ipv6" });
  const mapped = address.startsWith(mappedStart) ? address.slice(mappedStart.length) : "";
  return isIPv4(mapped) ? mapped : address;
}

/** Returns the address of a connection in that form; the interface that it came by is no part of it. */
export function peerAddress(remoteAddress: string): string {
  // Nothing is to be done with an IPv4 address.
  if (!remoteAddress.includes(":")) return remoteAddress;
  const [bare = ""] = remoteAddress.split("%", 1);
  return canonicalAddress(bare) ?? remoteAddress;
}
