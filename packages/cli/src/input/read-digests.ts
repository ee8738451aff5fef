import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { type Digest, isDigest, isStoreError, parseDigest, StoreError } from "@bitstore/core";
import type { Invocation } from "../frame/frame.ts";
import { badUsage, hinted } from "../frame/hinted.ts";
import { systemCode, toStoreError } from "../frame/system-error.ts";
import { type BlobArguments, namesTag } from "./blob-argument.ts";
import { oneShotBody } from "./one-shot-body.ts";
import { readLines } from "./read-lines.ts";
import { resolveAhead } from "./resolve-ahead.ts";

/** An ID as it was given, and what it names, or why it names nothing. */
export type GivenDigest =
  | { readonly input: string; readonly digest: Digest; readonly tag?: string | undefined }
  | { readonly input: string; readonly error: StoreError };

/**
 * Reads the digests that arguments name, one by one: an argument that parses as a digest is one, one
 * that starts with `@` is a tag, `-` is a list on standard input, and anything else is a file with a
 * list. In a list the first word of each line counts, so that what `put`, `ls` and `has` print can be
 * read again; empty lines and those that start with `#` do not. Without arguments the list comes from
 * standard input.
 *
 * Malformed lines, and tags that name nothing, are answered as such. Rejects with INVALID_ARGUMENT for
 * an argument that is neither a digest nor a file, before any is read; with what the system says of a
 * list that can't be read; with CONFIG_INVALID for a tag where there is no metadata.
 */
export async function* readDigests(
  args: readonly string[],
  { io, signal }: Pick<Invocation, "io" | "signal">,
  blobs: BlobArguments,
): AsyncGenerator<GivenDigest, void, void> {
  if (args.length === 0 && io.stdin.isTTY === true) {
    throw badUsage("no digests are given", "give digests, a file of them, or - to type them");
  }
  if (args.filter((each) => each === "-").length > 1) {
    throw badUsage("standard input can be read once only", "write - once");
  }
  for (const argument of args.length === 0 ? ["-"] : args) {
    if (isDigest(argument) || namesTag(argument)) {
      yield await resolved(argument, blobs, signal);
    } else if (argument === "-") {
      const words = wordsOf(io.stdin, "standard input", signal);
      yield* resolveAhead(words, (word) => resolved(word, blobs, signal));
    } else {
      const words = wordsOf(createReadStream(resolve(io.cwd, argument)), argument, signal);
      yield* resolveAhead(words, (word) => resolved(word, blobs, signal));
    }
  }
}

async function* wordsOf(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const body = oneShotBody(stream, { name, signal });
  try {
    for await (const line of readLines(body(), name)) {
      const [word = ""] = line.trimStart().split(/\s/, 1);
      if (word !== "" && !word.startsWith("#")) yield word;
    }
  } catch (error) {
    if (signal.aborted || isStoreError(error)) throw error;
    throw systemCode(error) === "ENOENT" ? neither(name) : toStoreError(error, "read", name);
  }
}

function resolved(
  input: string,
  blobs: BlobArguments,
  signal: AbortSignal,
): GivenDigest | Promise<GivenDigest> {
  const failed = (error: unknown): GivenDigest => {
    // What is wrong with the metadata is wrong for every tag, so it is said once and ends it.
    if (signal.aborted || isStoreError(error, "CONFIG_INVALID")) throw error;
    return { input, error: toStoreError(error, "parse", input) };
  };
  if (namesTag(input)) {
    return blobs.resolve(input).then(({ digest }) => ({ input, digest, tag: input }), failed);
  }
  try {
    return { input, digest: parseDigest(input) };
  } catch (error) {
    return failed(error);
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
