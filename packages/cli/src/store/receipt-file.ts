import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import type { ProofsOf, ServerCaller } from "@bitstore/config";
import type { Io } from "../frame/io.ts";

/** As long as a server takes a receipt. */
const receiptMsMax = 24 * 60 * 60_000;
/** Receipts that are kept when the file is written anew: those that came last. */
const receiptsMax = 4096;
/** A line has less than 600 characters, so a file that is longer has more than twice the receipts. */
const fileBytesMax = 4 * 2 ** 20;

/** A line of the file. What it is for is a hash, so that neither a token nor a digest stands in it. */
interface Line {
  readonly of: string;
  readonly receipt: string;
  readonly time: number;
}

/** Names where receipts are kept; undefined where the environment says of no folder. */
export function receiptPath(env: Io["env"]): string | undefined {
  const { XDG_CACHE_HOME: cache = "", HOME: home = "" } = env;
  // A relative one is to be ignored (XDG Base Directory Specification).
  if (isAbsolute(cache)) return join(cache, "bitstore", "receipts.ndjson");
  return isAbsolute(home) ? join(home, ".cache", "bitstore", "receipts.ndjson") : undefined;
}

/**
 * Keeps the receipts that servers give to callers who are confined to tags in a file of the user's, so
 * that a `tag set` may show what a `put` before it was given. Each is appended as it comes, so that
 * processes don't wait for each other; a receipt that can't be written is had in this process alone.
 */
export function keptReceipts(env: Io["env"], nowMs: () => number): ProofsOf {
  const path = receiptPath(env);
  let lines: ReadonlyMap<string, string> | undefined;
  return (caller, inMemory) => {
    const memory = inMemory();
    if (path === undefined || caller.token === undefined) return memory;
    return {
      ...memory,
      async receiptOf(digest) {
        const receipt = await memory.receiptOf(digest);
        if (receipt !== undefined) return receipt;
        lines ??= new Map(readLines(path, nowMs()).map((line) => [line.of, line.receipt]));
        return lines.get(nameOf(caller, digest));
      },
      keepReceipt(digest, receipt) {
        memory.keepReceipt(digest, receipt);
        append(path, { of: nameOf(caller, digest), receipt, time: nowMs() });
      },
    };
  };
}

function nameOf({ url, token }: ServerCaller, digest: string): string {
  return createHash("sha256")
    .update(JSON.stringify([url, token, digest]))
    .digest("hex");
}

function append(path: string, line: Line): void {
  try {
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > fileBytesMax) shorten(path, line.time);
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch {
    // A home that can't be written is no reason to fail a put that was acknowledged.
  }
}

/** Writes the file anew without what has lapsed, and what is too much. */
function shorten(path: string, nowMs: number): void {
  const kept = readLines(path, nowMs).slice(-receiptsMax);
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, kept.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
  renameSync(aside, path);
}

/** Reads the receipts that still hold, oldest first; none where the file can't be read. */
function readLines(path: string, nowMs: number): readonly Line[] {
  try {
    const texts = readFileSync(path, "utf8").split("\n");
    return texts.flatMap((text) => parseLine(text, nowMs) ?? []);
  } catch {
    return [];
  }
}

function parseLine(text: string, nowMs: number): Line | undefined {
  try {
    const { of, receipt, time } = JSON.parse(text) as Partial<Record<keyof Line, unknown>>;
    const isLine =
      typeof of === "string" && typeof receipt === "string" && typeof time === "number";
    if (!isLine || !/^[\x21-\x7e]{1,256}$/.test(receipt)) return undefined;
    return time > nowMs - receiptMsMax && time <= nowMs ? { of, receipt, time } : undefined;
  } catch {
    return undefined;
  }
}
