import { type Digest, isDigest, parseDigest, type Price } from "@bitstore/core";
import { readByteSize } from "../byte-size.ts";
import { nearest } from "../did-you-mean.ts";
import { ok, type Parsed, wrong } from "../result.ts";
import { showText } from "../show-text.ts";

/** Tier names are used in lists, reports and metrics, so they need no quoting anywhere. */
const tierNamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const fillNamesMax = 32;
export const timeoutMsMax: number = 24 * 60 * 60 * 1000;
export const concurrencyMaxMax = 1024;

export function readFlag(text: string): Parsed<boolean> {
  if (text === "true") return ok(true);
  if (text === "false") return ok(false);
  return wrong(`is ${showText(text)}; write true or false`);
}

export function readOneOf<T extends string>(choices: readonly T[]): (text: string) => Parsed<T> {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return ok(found);
    const near = nearest(text, choices);
    const hint = near === undefined ? "" : `, did you mean "${near}"?`;
    return wrong(`is ${showText(text)}; it is one of ${choices.join(", ")}${hint}`);
  };
}

export function readCount(
  min: number,
  max: number,
  what: string,
): (text: string) => Parsed<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return ok(value);
    return wrong(`is ${showText(text)}; write ${what} from ${min} to ${max}`);
  };
}

export function readBytesMax(text: string): Parsed<number> {
  const size = readByteSize(text);
  if ("problem" in size) return wrong(`${showText(text)} ${size.problem}`);
  return size.value > 0 ? size : wrong("is 0; leave the cache tier out to have none");
}

/** Reads how many bytes wait for their upload at most. */
export function readJournalBytes(text: string): Parsed<number> {
  const size = readByteSize(text);
  if ("problem" in size) return wrong(`${showText(text)} ${size.problem}`);
  return size.value > 0 ? size : wrong("is 0; say ack: origin to have no journal");
}

export function readTierName(text: string): Parsed<string> {
  if (tierNamePattern.test(text)) return ok(text);
  return wrong(
    `${showText(text)} is no tier name; it has 1 to 64 of A-Z a-z 0-9 . _ -, first and last a letter or digit`,
  );
}

/** Reads tier names with commas between them; nothing at all is the empty list. */
export function readFill(text: string): Parsed<readonly string[]> {
  const names = text === "" ? [] : text.split(",");
  if (names.length > fillNamesMax) return wrong(`names more than ${fillNamesMax} tiers`);
  for (const name of names) {
    const parsed = readTierName(name);
    if ("problem" in parsed) return parsed;
  }
  return ok(names);
}

/** Reads what a request costs, `0.0004` or `0.0004EUR`. */
export function readPrice(text: string): Parsed<Price> {
  const match = /^(\d{1,9}(?:\.\d{1,12})?) ?([A-Z]{3})?$/.exec(text);
  if (match === null) return wrong(`is ${showText(text)}; write a request's cost like 0.0004USD`);
  return ok({ perRequest: Number(match[1]), currency: match[2] ?? "USD" });
}

/** Writes what {@link readPrice} reads. */
export function formatPrice({ perRequest, currency }: Price): string {
  return `${perRequest.toFixed(12).replace(/\.?0+$/, "")}${currency}`;
}

export function readDigest(text: string): Parsed<Digest> {
  return isDigest(text) ? ok(parseDigest(text)) : wrong(`is ${showText(text)}, which is no digest`);
}

export function readEndpoint(text: string): Parsed<string> {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//i.test(text) || url.hostname === "") {
    return wrong("is no address; write it like https://host:9000");
  }
  // No endpoint has an @ of its own, and user info that holds a slash is no user info to a parser.
  if (text.includes("@")) {
    return wrong("has user info in it; credentials come from the environment or `credentials`");
  }
  if (text.includes("?") || text.includes("#")) {
    return wrong("has a query or fragment; write scheme, host, port and path alone");
  }
  return ok(`${url.origin}${url.pathname}`.replace(/\/+$/, ""));
}

export function readRegion(text: string): Parsed<string> {
  if (/^[A-Za-z0-9-]{1,64}$/.test(text)) return ok(text);
  return wrong(`is ${showText(text)}, which is no region; write it like eu-central-1`);
}

/** Reads a name that some service gave, such as that of a project, a class or a key. */
export function readWord(text: string): Parsed<string> {
  if (/^[A-Za-z0-9][\w./:@+=-]{0,511}$/.test(text)) return ok(text);
  return wrong(`is ${showText(text)}, which no service has as a name`);
}

export function readAccount(text: string): Parsed<string> {
  if (/^[a-z0-9]{3,24}(?:-[a-z0-9-]{1,40})?$/.test(text)) return ok(text);
  return wrong(`is ${showText(text)}; an account is 3 to 24 lower-case letters and digits`);
}

/** Google wants multiples of 256 KiB and Amazon 5 MiB at least, so both hold for all. */
export function readPartBytes(text: string): Parsed<number> {
  const size = readByteSize(text);
  if ("problem" in size) return wrong(`${showText(text)} ${size.problem}`);
  if (size.value >= 5 * 2 ** 20 && size.value <= 2 ** 30 && size.value % 2 ** 18 === 0) return size;
  return wrong("is no part size; write 5MiB to 1GiB, in steps of 256KiB");
}

export function readProfile(text: string): Parsed<string> {
  if (/^[\w .@+/-]{1,128}$/.test(text)) return ok(text);
  return wrong("is no profile name of the AWS config files");
}
