import { isIPv6 } from "node:net";
import type { Principal } from "../access/principal.ts";
import { peerAddress } from "./ip-address.ts";

/**
 * Names who is counted: the principal where credentials say who it is, else the address that the
 * connection came from. An IPv6 client has a whole /64 to itself, so that is what counts.
 */
export function clientKey(principal: Principal | undefined, remoteAddress = ""): string {
  if (principal !== undefined && principal.name !== "anonymous") {
    // As JSON, so that no name can be written that is another one's, or an address.
    return JSON.stringify([principal.namespace, principal.name]);
  }
  return networkOf(remoteAddress);
}

function networkOf(remoteAddress: string): string {
  const address = peerAddress(remoteAddress);
  // Nothing is to be cut from an IPv4 address.
  if (!address.includes(":") || !isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${groups.slice(0, 4).join(":")}::`;
}
