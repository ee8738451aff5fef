import { isIP } from "node:net";

/** A Host header, or an entry of an allow-list, taken apart. */
export interface Host {
  /** Lower case, without a dot at the end; an IPv6 address without its brackets, in short form. */
  readonly name: string;
  readonly port: number | undefined;
}

/** Characters of the longest name (RFC 1035) with brackets and a port. */
const hostCharsMax = 262;

/** Parses `name`, `name:port`, `[IPv6]` or `[IPv6]:port`; undefined for what is none. */
export function parseHost(text: string): Host | undefined {
  if (text.length > hostCharsMax) return undefined;
  const match =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?)\.?)(?::([0-9]{1,5}))?$/i.exec(text);
  if (match === null) return undefined;
  const [, ipv6, plain = "", digits] = match;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port > 65_535 || port === 0)) return undefined;
  if (ipv6 !== undefined) {
    // The parser of URLs shortens it, so that two spellings of one address are equal.
    if (isIP(ipv6) !== 6 || !URL.canParse(`http://[${ipv6}]/`)) return undefined;
    return { name: new URL(`http://[${ipv6}]/`).hostname.slice(1, -1), port };
  }
  if (plain.includes("..")) return undefined;
  const name = plain.toLowerCase();
  // Old forms of addresses, such as 2130706433 or 0x7f.1, are names to us and addresses to others.
  if (/^(?:0x[0-9a-f]*|[0-9]+)$/.test(name.split(".").at(-1) ?? "") && isIP(name) !== 4) {
    return undefined;
  }
  return { name, port };
}

/** Tells whether a name or an address means this machine alone. */
export function isLoopback(name: string): boolean {
  const bare = name.toLowerCase().replace(/\.$/, "");
  if (bare === "localhost" || bare.endsWith(".localhost")) return true;
  if (isIP(bare) === 4) return bare.startsWith("127.");
  // An IPv4 address within an IPv6 one, in both of its spellings.
  return bare === "::1" || (isIP(bare) === 6 && /^::ffff:(?:127\.|7f[0-9a-f]{2}:)/.test(bare));
}
