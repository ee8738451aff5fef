import { BlockList, isIPv4 } from "node:net";
import { StoreError } from "@bitstore/core";
import { canonicalAddress } from "./ip-address.ts";

/** Entries of one list; the networks of large providers publish a few dozen ranges. */
export const trustedProxiesMax = 256;

/** Addresses whose word is taken for where a request comes from. */
export interface TrustedProxies {
  /** Whether an address, as `canonicalAddress` writes it, is one of them. */
  has(address: string): boolean;
}

/**
 * Makes the table of a list of addresses (`10.0.0.7`, `2001:db8::7`) and CIDR ranges (`10.0.0.0/8`);
 * undefined where it is empty: nobody is trusted then, and nothing is to be looked up. What is
 * IPv4-mapped is taken as IPv4; a shorter range of IPv6 has no IPv4 address in it.
 *
 * @throws CONFIG_INVALID with the key (`server.trustedProxies.2`) for an entry that is neither, for a
 * range of all addresses, and for more than `trustedProxiesMax`.
 */
export function trustedProxies(list: readonly string[]): TrustedProxies | undefined {
  if (list.length === 0) return undefined;
  if (list.length > trustedProxiesMax) {
    throw invalid("server.trustedProxies", `has more than ${trustedProxiesMax} entries`);
  }
  // Two of them, since one compares an IPv4 address with ranges of IPv6 as if it were mapped.
  const tables = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [at, entry] of list.entries()) add(tables, entry, `server.trustedProxies.${at}`);
  return {
    has: (address) =>
      address.includes(":")
        ? tables.ipv6.check(address, "ipv6")
        : isIPv4(address) && tables.ipv4.check(address, "ipv4"),
  };
}

function add(
  tables: Readonly<Record<"ipv4" | "ipv6", BlockList>>,
  entry: string,
  key: string,
): void {
  const [, written = "", bits] = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(entry) ?? [];
  const address = canonicalAddress(written);
  if (address === undefined) throw invalid(key, "is no IP address, and no range as 10.0.0.0/8");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const bitsMax = family === "ipv4" ? 32 : 128;
  const isMapped = family === "ipv4" && written.includes(":");
  const prefix = bits === undefined ? bitsMax : Number(bits) - (isMapped ? 96 : 0);
  if (prefix > bitsMax) throw invalid(key, "has more bits than its addresses have");
  // Each client could then say where it comes from, and be whom it likes.
  if (prefix < 1) throw invalid(key, "would trust every address; list those of the proxies");
  tables[family].addSubnet(address, prefix, family);
}

function invalid(subject: string, message: string): StoreError {
  return new StoreError({ code: "CONFIG_INVALID", operation: "configure", subject, message });
}
