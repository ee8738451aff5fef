import { lookup as dnsLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { StoreError } from "@bitstore/core";

/** Code of the error that a guarded lookup gives for a name that is at home only. */
export const privateAddressCode = "ERR_PRIVATE_ADDRESS";

/**
 * Ranges that are no part of the public internet: this host, private use, carrier-grade NAT,
 * link-local (where clouds keep credentials), benchmarking, multicast, reserved.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const privateIpv4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
];

/** The same for IPv6, with the tunnels (Teredo, 6to4), which lead to any IPv4 address. */
const privateIpv6: readonly (readonly [string, number])[] = [
  ["::", 96],
  ["100::", 64],
  ["2001::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 9],
  ["ff00::", 8],
];

/** Which addresses a source may connect to. */
export interface AddressPolicy {
  /** Tells whether an address, or a name that needs no lookup, may be connected to. */
  allows(host: string): boolean;
  /** Looks names up and gives only addresses that are allowed, at the time of connecting. */
  readonly lookup: LookupFunction;
}

/**
 * Makes the policy of one source. `allowed` is true (any address), or a list of addresses and CIDR
 * ranges that are allowed besides the public ones. The check is in the lookup of the connection
 * itself, so a name that changes its address between check and use (DNS rebinding) gains nothing.
 *
 * @throws CONFIG_INVALID for a range that is none.
 */
export function addressPolicy(
  allowed: boolean | readonly string[],
  lookup: LookupFunction = dnsLookup,
): AddressPolicy {
  const closed = privateRanges();
  const exceptions = typeof allowed === "boolean" ? new BlockList() : rangesOf(allowed);
  const mayConnect = (address: string): boolean =>
    allowed === true || !isIn(closed, address) || isIn(exceptions, address);
  let last = { host: "", isAllowed: false };
  return {
    allows: (host) => {
      // Nearly every request goes where the last one went.
      if (last.host === host) return last.isAllowed;
      const bare = host.replace(/^\[(.*)\]$/, "$1");
      last = { host, isAllowed: isIP(bare) === 0 || mayConnect(bare) };
      return last.isAllowed;
    },
    lookup: (hostname, options, callback) => {
      // All addresses are asked for, so that a private one beside a public one is left out.
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, [], 0);
        const each = typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
        const fine = each.filter(({ address }) => mayConnect(address));
        const [first] = fine;
        if (first === undefined) return callback(refusal(hostname, each[0]?.address), [], 0);
        return options.all === true
          ? callback(null, fine)
          : callback(null, first.address, first.family);
      });
    },
  };
}

/**
 * Tells whether a host that a user configured is private by its form: a private address, or a name
 * that means something at home only (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`).
 */
export function isPrivateHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  if (isIP(bare) !== 0) return isIn(privateRanges(), bare);
  return !bare.includes(".") || /\.(?:localhost|local|internal|home\.arpa)$/i.test(bare);
}

function privateRanges(): BlockList {
  const made = new BlockList();
  for (const [net, prefix] of privateIpv4) {
    made.addSubnet(net, prefix, "ipv4");
    // NAT64 (RFC 6052) carries an IPv4 address in the last 32 bits; mapped ones Node knows itself.
    made.addSubnet(`64:ff9b::${net}`, 96 + prefix, "ipv6");
  }
  for (const [net, prefix] of privateIpv6) made.addSubnet(net, prefix, "ipv6");
  return made;
}

function rangesOf(list: readonly string[]): BlockList {
  const made = new BlockList();
  for (const each of list) {
    const [address = "", prefix] = each.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const bits = prefix === undefined ? (family === "ipv6" ? 128 : 32) : Number(prefix);
    try {
      made.addSubnet(address, bits, family);
    } catch (cause) {
      throw new StoreError({
        code: "CONFIG_INVALID",
        operation: "parse",
        subject: `privateAddresses ${JSON.stringify(each.slice(0, 80))}`,
        message: "it is no address and no range, such as 10.0.0.0/8",
        cause,
      });
    }
  }
  return made;
}

function isIn(list: BlockList, address: string): boolean {
  // A zone (fe80::1%eth0) is no part of the address.
  const bare = address.split("%", 1)[0] ?? address;
  return list.check(bare, isIP(bare) === 6 ? "ipv6" : "ipv4");
}

function refusal(hostname: string, address: string | undefined): NodeJS.ErrnoException {
  const what = address === undefined ? "no address" : `only private addresses, such as ${address}`;
  return Object.assign(new Error(`${hostname} has ${what}`), { code: privateAddressCode });
}
