import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { type Digest, isDigest, isStoreError, parseDigest, StoreError } from "@bitstore/core";
import type { Invocation } from "../frame/frame.ts";
import { badUsage, hinted } from "../frame/hinted.ts";
import { systemCode, toStoreError } from "../frame/system-error.ts";
import { parseBlobArgument } from "./blob-argument.ts";
import { oneShotBody } from "./one-shot-body.ts";
import { readLines } from "./read-lines.ts";

/** An ID as it was given, and what it names, or why it names nothing. */
export type GivenDigest =
  | { readonly input: string; readonly digest: Digest }
  | { readonly input: string; readonly error: StoreError };

/**
 * Reads the digests that arguments name, one by one: an argument that parses as a digest is one, `-`
 * is a list on standard input, and anything else is a file with a list. In a list the first word of
 * each line counts, so that what `put`, `ls` and `has` print can be read again; empty lines and those
 * that start with `#` do not. Without arguments the list comes from standard input.
 *
 * Malformed lines are answered as such. Rejects with INVALID_ARGUMENT for an argument that is neither
 * a digest nor a file, before any is read; with what the system says of a list that can't be read.
 */
export async function* readDigests(
  args: readonly string[],
  { io, signal }: Pick<Invocation, "io" | "signal">,
): AsyncGenerator<GivenDigest, void, void> {
  if (args.length === 0 && io.stdin.isTTY === true) {
    throw badUsage("no digests are given", "give digests, a file of them, or - to type them");
  }
  if (args.filter((each) => each === "-").length > 1) {
    throw badUsage("standard input can be read once only", "write - once");
  }
  for (const argument of args.length === 0 ? ["-"] : args) {
    if (isDigest(argument) || argument.startsWith("@")) {
      yield { input: argument, digest: parseBlobArgument(argument) };
    } else if (argument === "-") {
      yield* digestsOf(io.stdin, "standard input", signal);
    } else {
      yield* digestsOf(createReadStream(resolve(io.cwd, argument)), argument, signal);
    }
  }
}

async function* digestsOf(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<GivenDigest, void, void> {
  const body = oneShotBody(stream, { name, signal });
  try {
    for await (const line of readLines(body(), name)) {
      const [word = ""] = line.trimStart().split(/\s/, 1);
      if (word !== "" && !word.startsWith("#")) yield parsed(word);
    }
  } catch (error) {
    if (signal.aborted || isStoreError(error)) throw error;
    throw systemCode(error) === "ENOENT" ? neither(name) : toStoreError(error, "read", name);
  }
}

function parsed(input: string): GivenDigest {
  try {
    return { input, digest: parseDigest(input) };
  } catch (error) {
    return { input, error: toStoreError(error, "parse", input) };
  }
}

/** What is neither a digest nor a file was most likely meant to be a digest. */
function neither(name: string): StoreError {
  let why = "";
  try {
    parseDigest(name);
  } catch (error) {
    if (error instanceof StoreError) why = error.detail;
  }
  return hinted({
    code: "INVALID_ARGUMENT",
    operation: "",
    message: `${JSON.stringify(name.slice(0, 160))} is neither a digest nor a file`,
    hint: why,
  });
}
