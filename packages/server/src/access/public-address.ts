import { lookup as dnsLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Ranges that are no part of the public internet: this host, private use, link-local (where clouds keep
 * credentials), tunnels into IPv4, benchmarks, multicast, reserved.
 * https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 twin.
 */
const ipv4 =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 " +
  "192.168.0.0/16 198.18.0.0/15 224.0.0.0/3";
const ipv6 = "::/96 64:ff9b::/96 100::/64 2001::/32 2002::/16 fc00::/7 fe80::/9 ff00::/8";

/** Which addresses an outgoing connection may go to. */
export interface AddressFence {
  allows(address: string): boolean;
  /** Looks a name up for a connection, and gives the addresses that are allowed alone. */
  readonly lookup: LookupFunction;
}

/** The code of a look-up that found private addresses alone. */
export const privateAddressCode = "ERR_PRIVATE_ADDRESS";

/**
 * Keeps outgoing connections to public addresses, unless private ones are allowed. It decides in the
 * look-up of the connection itself: a name that changes its address between a check and its use gains
 * nothing.
 */
export function addressFence(
  allowPrivate: boolean,
  lookup: LookupFunction = dnsLookup,
): AddressFence {
  const closed = new BlockList();
  for (const range of `${ipv4} ${ipv6}`.split(" ")) {
    const [net = "", bits] = range.split("/");
    closed.addSubnet(net, Number(bits), isIP(net) === 6 ? "ipv6" : "ipv4");
  }
  const allows = (address: string): boolean => {
    const bare = address.replace(/^\[(.*)\]$/, "$1").split("%", 1)[0] ?? "";
    const family = isIP(bare);
    if (family === 0) return false;
    return allowPrivate || !closed.check(bare, family === 6 ? "ipv6" : "ipv4");
  };
  return {
    allows,
    lookup(hostname, options, callback) {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, [], 0);
        const each = typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
        const fine = each.filter(({ address }) => allows(address));
        const [first] = fine;
        if (first === undefined) {
          const message = "the host has private addresses alone";
          return callback(Object.assign(new Error(message), { code: privateAddressCode }), [], 0);
        }
        if (options.all === true) return callback(null, fine);
        return callback(null, first.address, first.family);
      });
    },
  };
}
