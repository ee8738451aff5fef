import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** Random bytes of a token. */
const tokenBytes = 32;

const grammar = /^bst_[A-Za-z0-9_-]{43}[0-9a-f]{8}$/;

/** A token as it was made: told once, and kept by its holder alone. */
export interface MintedToken {
  /** `bst_`, 256 random bits, and a checksum. */
  readonly token: string;
  /** What the config keeps of it: `sha256:` and the hex of its SHA-256. */
  readonly hash: string;
}

/**
 * Mints a token. Its prefix and checksum let scanners of repositories and logs recognise one that
 * leaked without asking anybody, and let a mistyped one be refused before it is looked up.
 */
export function mintToken(random: (bytes: number) => Buffer = randomBytes): MintedToken {
  const body = `bst_${random(tokenBytes).toString("base64url")}`;
  const token = body + checksum(body);
  return { token, hash: hashToken(token) };
}

/** Tells whether a text is meant as one of our tokens, rightly written or not. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith("bst_");
}

/** Tells whether a text has the shape and the checksum of a token; nothing of whether it is known. */
export function isToken(text: string): boolean {
  return grammar.test(text) && text.slice(-8) === checksum(text.slice(0, -8));
}

/**
 * Hashes a token for the config. Plain SHA-256 is right here: a slow hash defends passwords, which
 * can be guessed, and 256 random bits can't be, at any speed. It costs a microsecond a request, where
 * a slow one would let anybody keep the server busy.
 */
export function hashToken(token: string): string {
  return `sha256:${hash("sha256", token)}`;
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}
