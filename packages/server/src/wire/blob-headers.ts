import { type Digest, splitDigest } from "@bitstore/core";
import type { Exchange } from "../routes/exchange.ts";

/** Hash algorithms of RFC 9530's registry; sha1 is deprecated there, and detects damage only. */
const reprDigestNames: Readonly<Record<string, string>> = {
  sha1: "sha",
  sha256: "sha-256",
  sha512: "sha-512",
};

/** What is said of a blob beside its bytes. */
export interface BlobFacts {
  readonly digest: Digest;
  /** The tier that has it. */
  readonly tier: string | undefined;
  /** As somebody recorded it; bytes of no known kind otherwise. */
  readonly mediaType?: string | undefined;
  /** How long the answer may be kept: a digest's for ever, a tag's not at all. */
  readonly keeps: "always" | "never";
}

/**
 * Makes the headers of every answer that is about a blob. Nobody knows what is in a blob, so no
 * browser may take it for a page of this server: it is of no guessed type, saved rather than shown,
 * and without a right if it is shown all the same.
 */
export function blobHeaders(exchange: Exchange, facts: BlobFacts): Record<string, string | number> {
  const listed = listedHeaders(exchange, facts, facts.tier);
  const headers: Record<string, string | number> = {};
  for (let at = 0; at < listed.length; at += 2) headers[listed[at] ?? ""] = listed[at + 1] ?? "";
  return headers;
}

/** Makes the same as names and values in turn, which Node writes without a look for each name. */
export function listedHeaders(
  { isPrivate, requestId }: Exchange,
  { digest, mediaType, keeps }: Omit<BlobFacts, "tier">,
  tier: string | undefined,
): string[] {
  const { algorithm, hex } = splitDigest(digest);
  const reach = isPrivate ? "private" : "public";
  const listed = [
    "content-type",
    mediaType ?? "application/octet-stream",
    "etag",
    `"${digest}"`,
    "accept-ranges",
    "bytes",
    "cache-control",
    keeps === "always" ? `${reach}, max-age=31536000, immutable` : `${reach}, no-cache`,
    "x-content-type-options",
    "nosniff",
    "content-disposition",
    "attachment",
    "content-security-policy",
    "default-src 'none'; sandbox",
    "x-request-id",
    requestId,
  ];
  const name = reprDigestNames[algorithm];
  if (name !== undefined) {
    listed.push("repr-digest", `${name}=:${Buffer.from(hex, "hex").toString("base64")}:`);
  }
  if (tier !== undefined) listed.push("x-bitstore-tier", headerText(tier));
  return listed;
}

/** Writes a name so that it can stand in a header. */
export function headerText(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : encodeURIComponent(name);
}
