import { isIP } from "node:net";
import type { Principal } from "../access/principal.ts";

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

function networkOf(address: string): string {
  // Nothing is to be cut from an IPv4 address.
  if (!address.includes(":") && !address.includes("%")) return address;
  const bare = address.split("%", 1)[0] ?? "";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(bare) !== 6) return bare;
  const [head = "", tail] = bare.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::`;
}
