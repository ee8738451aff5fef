import { StoreError } from "./errors.ts";

declare const digestBrand: unique symbol;

/** A digest in its one canonical form, `algorithm:lowercase hex`. Minted by {@link parseDigest}. */
export type Digest = string & { readonly [digestBrand]: true };

/** Bytes of each algorithm's digest. */
export const digestBytes = {
  sha1: 20,
  sha256: 32,
  sha512: 64,
  "sha3-256": 32,
  blake3: 32,
} as const;

export type Algorithm = keyof typeof digestBytes;

export const algorithms: readonly Algorithm[] = Object.keys(digestBytes) as Algorithm[];

/** A digest as {@link parseDigest} gives it. */
const canonical: RegExp = new RegExp(
  `^(?:${algorithms.map((name) => `${name}:[0-9a-f]{${digestBytes[name] * 2}}`).join("|")})$`,
);

/** The algorithm of a put that names none. */
export const defaultAlgorithm: Algorithm = "sha256";

/** Bare hex is read by its length; 64 digits mean sha256, the most common of the three. */
const algorithmByHexLength: ReadonlyMap<number, Algorithm> = new Map([
  [40, "sha1"],
  [64, "sha256"],
  [128, "sha512"],
]);

export interface Descriptor {
  readonly digest: Digest;
  /** Whole size in bytes. */
  readonly size: number;
}

export function isAlgorithm(value: string): value is Algorithm {
  return Object.hasOwn(digestBytes, value);
}

/**
 * Parses `algorithm:hex`, `algorithm://hex` (as epic-bitstore writes sha1) or bare hex (read by its
 * length: 40 sha1, 64 sha256, 128 sha512). Upper case is lowered; nothing is trimmed, since a
 * digest with a stray newline names nothing.
 *
 * @throws INVALID_ARGUMENT with a hint on anything else.
 */
export function parseDigest(input: string, algorithm?: Algorithm): Digest {
  // Most are, in lists of hundreds of thousands.
  if (algorithm === undefined && canonical.test(input)) return input as Digest;
  const match = /^(?:([A-Za-z0-9-]{1,16}):(?:\/\/)?)?([0-9A-Fa-f]{1,128})$/.exec(input);
  // `$` matches before a trailing newline in some engines' modes; here it does not, by no `m` flag.
  if (match === null) throw invalid(input, hintFor(input));
  const hex = (match[2] ?? "").toLowerCase();
  const named = match[1]?.toLowerCase();
  if (named !== undefined && !isAlgorithm(named)) {
    throw invalid(input, `unknown algorithm ${show(named)}; known are ${algorithms.join(", ")}`);
  }
  if (named !== undefined && algorithm !== undefined && named !== algorithm) {
    throw invalid(input, `${algorithm} was asked for`);
  }
  const chosen = named ?? algorithm ?? algorithmByHexLength.get(hex.length);
  if (chosen === undefined) {
    throw invalid(
      input,
      `${hex.length} hex digits fit no algorithm; bare hex has 40 (sha1), 64 (sha256) or 128 (sha512)`,
    );
  }
  const expected = digestBytes[chosen] * 2;
  if (hex.length !== expected) {
    throw invalid(input, `${chosen} has ${expected} hex digits, this has ${hex.length}`);
  }
  return `${chosen}:${hex}` as Digest;
}

/** Tells whether {@link parseDigest} takes the input. */
export function isDigest(input: string): boolean {
  try {
    parseDigest(input);
    return true;
  } catch {
    return false;
  }
}

/** Splits a digest into algorithm and hex. */
export function splitDigest(digest: Digest): {
  readonly algorithm: Algorithm;
  readonly hex: string;
} {
  return { algorithm: algorithmOf(digest), hex: hexOf(digest) };
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.slice(0, digest.indexOf(":")) as Algorithm;
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

function hintFor(input: string): string {
  if (input === "") return "it is empty";
  if (input.trim() !== input) return "it has white space around it";
  return "a digest is algorithm:hex, such as sha256:9f86d0…, or bare hex";
}

function invalid(input: string, message: string): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: `digest ${show(input)}`,
    message,
  });
}

/** Shows hostile input: bounded in length, control characters escaped. */
function show(input: string): string {
  const shown = JSON.stringify(input.length > 80 ? `${input.slice(0, 80)}…` : input);
  return shown.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
