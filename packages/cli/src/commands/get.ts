import { resolve } from "node:path";
import type { Command } from "commander";
import {
  type ByteRange,
  type Content,
  type Digest,
  isStoreError,
  StoreError,
} from "@bitstore/core";
import { collectionMediaType } from "@bitstore/tags";
import { getCollection } from "../collections/get-collection.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { blobArguments, type NamedBlob } from "../input/blob-argument.ts";
import { parseRange, type RangeArgument } from "../input/parse-range.ts";
import { openTarget } from "../output/open-target.ts";
import { progressBytes } from "../output/progress-bytes.ts";
import { terminalGuard } from "../output/terminal-guard.ts";

interface GetOptions {
  readonly output?: string;
  readonly range?: RangeArgument;
  readonly raw?: boolean;
}

/** Times that wrong bytes may come before it is given up: one for each of many tiers. */
const deliveriesMax = 8;

/** Declares `get`. */
export function registerGet(program: Command, frame: Frame): void {
  program
    .command("get")
    .summary("write a blob to stdout or into a file")
    .description(
      "Writes the blob to standard output, or with -o into FILE: aside first, and under its name " +
        "once it is whole and verified. Bytes that turn out to be wrong at the end of a large blob " +
        "fail a get to standard output (exit 4), whose last bytes are held back; a FILE is " +
        "started again from another tier. Where @TAG names a collection, -o is a DIRECTORY that its " +
        "files are written into, each aside first; those that are there and right are skipped, " +
        "others are left alone, and nothing is written through a symbolic link. File modes are not " +
        "kept. What can't be had does not stop the rest; exits with the worst of what happened.",
    )
    .argument("<digest>", "the blob, or @TAG, @TAG@SEQ, @TAG@TIME")
    .option("-o, --output <file>", "write into this file; - is stdout, even if it is a terminal")
    .option("--raw", "of a collection the blob itself, which is a JSON list")
    .option("--range <range>", "these bytes alone: A-B (both included), A-, or -N", parseRange)
    .action(frame.action(get));
}

async function get(
  invocation: Invocation,
  [argument = ""]: readonly string[],
  options: GetOptions,
): Promise<void> {
  const { settings, fail, signal } = invocation;
  const toFile = options.output !== undefined && options.output !== "-";
  if (settings.json && !toFile) {
    throw badUsage("with --json, bytes can't go to stdout", "write them into a file with -o FILE");
  }
  const named = await blobArguments(invocation).resolve(argument);
  const { digest, tag, entry } = named;
  try {
    if (entry?.target.mediaType === collectionMediaType && options.raw !== true) {
      await getCollection(invocation, digest, folderOf(named, options));
    } else if (toFile) {
      await getIntoFile(invocation, digest, options.output, options.range);
    } else {
      await getToStdout(invocation, digest, options);
    }
  } catch (error) {
    if (signal.aborted || tag === undefined) throw error;
    fail(error, tag);
  }
}

/** Reads where a collection is to go. @throws INVALID_ARGUMENT where that is no folder. */
function folderOf({ tag }: NamedBlob, { output, range }: GetOptions): string {
  if (output === undefined || output === "-") {
    throw badUsage(
      "it is a collection of files",
      `bitstore get ${tag} -o DIRECTORY writes them, --raw the list itself`,
    );
  }
  if (range === undefined) return output;
  throw badUsage("a collection has no range", "--range with --raw reads a part of its list");
}

async function getToStdout(
  invocation: Invocation,
  digest: Digest,
  options: GetOptions,
): Promise<void> {
  const { output, io, signal } = invocation;
  await using content = await openBlob(invocation, digest, options.range);
  const isForced = options.output === "-";
  const guard = terminalGuard(io.stdout.isTTY === true && !isForced);
  for await (const chunk of content.body) {
    if (signal.aborted) throw signal.reason;
    guard(chunk);
    await output.bytes(chunk);
  }
  noteUnverified(invocation, content);
}

async function getIntoFile(
  invocation: Invocation,
  digest: Digest,
  name: string,
  range: RangeArgument | undefined,
): Promise<void> {
  const { output, io, signal, temporaries } = invocation;
  const target = await openTarget(resolve(io.cwd, name), temporaries);
  await using held = target;
  for (let delivery = 1; ; delivery += 1) {
    try {
      await using content = await openBlob(invocation, digest, range);
      using progress = progressBytes(invocation, name, lengthOf(content));
      for await (const chunk of content.body) {
        if (signal.aborted) throw signal.reason;
        await held.write(chunk);
        progress.add(chunk.byteLength);
      }
      await held.commit();
      progress.stop();
      const { size, source, role, verified } = content;
      const record = {
        digest,
        size: size ?? progress.bytes,
        file: name,
        tier: source,
        role,
        verified,
      };
      if (invocation.settings.json) await output.result(record);
      noteUnverified(invocation, content);
      return;
    } catch (error) {
      // Where the bytes went is ours alone, so wrong ones are dropped and the next tier is asked.
      const isWrong = isStoreError(error, "DIGEST_MISMATCH") && delivery < deliveriesMax;
      if (!isWrong || !held.canRestart) throw error;
      output.note(`${error.message}; starting again from another tier`);
      await held.restart();
    }
  }
}

async function openBlob(
  invocation: Invocation,
  digest: Digest,
  said: RangeArgument | undefined,
): Promise<Content> {
  const { store } = await invocation.openStore();
  const { signal } = invocation;
  const range = await settleRange(invocation, digest, said);
  try {
    const content = await store.open(digest, { range, signal });
    if (content === undefined) throw absent(digest);
    return content;
  } catch (error) {
    // A bucket says so of its object; here the blob was asked for.
    if (!isStoreError(error, "RANGE_NOT_SATISFIABLE") || error.subject === digest) throw error;
    const { code, detail: message } = error;
    throw new StoreError({ code, operation: "get", subject: digest, message, cause: error });
  }
}

/** Turns "the last N bytes" into a range, which takes the blob's size. */
async function settleRange(
  invocation: Invocation,
  digest: Digest,
  said: RangeArgument | undefined,
): Promise<ByteRange | undefined> {
  if (said === undefined || !("lastBytes" in said)) return said;
  const { store } = await invocation.openStore();
  // Reading the first byte tells the size even where a tier answers no `stat`.
  const first = { range: { start: 0, end: 1 }, signal: invocation.signal };
  await using content = await store.open(digest, first);
  if (content === undefined) throw absent(digest);
  if (content.size === undefined) {
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "get",
      subject: digest,
      source: content.source,
      message: "it does not tell the size before the end; write the range as A-B",
    });
  }
  return { start: Math.max(0, content.size - said.lastBytes), end: undefined };
}

function absent(digest: Digest): StoreError {
  const message = "no tier has it";
  return new StoreError({ code: "NOT_FOUND", operation: "get", subject: digest, message });
}

function lengthOf({ size, range }: Content): number | undefined {
  const end = range.end ?? size;
  return end === undefined ? undefined : end - range.start;
}

function noteUnverified({ output }: Invocation, { verified, source }: Content): void {
  if (verified) return;
  output.note(`the range from ${source} is not verified: only whole blobs can be, get it whole`);
}
