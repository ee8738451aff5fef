import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { type Algorithm, algorithms, type Digest, isStoreError } from "@bitstore/core";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import { originAlgorithm } from "../input/origin-algorithm.ts";
import { putFile } from "../input/put-file.ts";
import { showStatusLine } from "../output/status-line.ts";
import type { OpenedStore } from "../store/open-store.ts";
import { notePending } from "../store/note-pending.ts";

interface PutOptions {
  readonly algorithm?: Algorithm;
}

/** Files that are hashed and put at a time. */
const filesInWorkMax = 8;

/** Declares `put`. */
export function registerPut(program: Command, frame: Frame): void {
  program
    .command("put")
    .summary("store files, and print their digests")
    .description(
      "Stores each FILE as a blob and prints `digest  name`, in the order given. With no FILE, or " +
        "with -, it stores what comes from standard input. A file that can't be stored does not " +
        "stop the others. Where the config says ack: cache, a blob is stored in the journal on this " +
        "machine, and brought to the origin afterwards: see `bitstore journal`.",
    )
    .argument("[file...]", "files to store; - is standard input")
    .addOption(
      new Option(
        "--algorithm <name>",
        "the digests' algorithm; sha256, or what the origin says",
      ).choices(algorithms),
    )
    .action(frame.action(put));
}

async function put(
  invocation: Invocation,
  args: readonly string[],
  options: PutOptions,
): Promise<void> {
  const { io, output, fail, signal } = invocation;
  if (args.length === 0 && io.stdin.isTTY === true) {
    throw badUsage("no file is given", "name files, or - to store what is typed");
  }
  const names = args.length === 0 ? ["-"] : args;
  if (names.indexOf("-") !== names.lastIndexOf("-")) {
    throw badUsage("standard input can be stored once only", "write - once");
  }
  const opened = await invocation.openStore();
  const { journal } = opened;
  const isPending = async (digest: Digest): Promise<boolean> =>
    (await journal?.source.stat(digest)) !== undefined;
  const algorithm = options.algorithm ?? originAlgorithm(opened);
  const tally = { files: 0, bytes: 0 };
  using line = showStatusLine(invocation, () => {
    return `${tally.files} of ${formatCount(names.length, "file")}, ${formatBytes(tally.bytes)} read`;
  });
  const { stdin, cwd } = io;
  const onBytes = (bytes: number): void => {
    tally.bytes += bytes;
  };
  const outcomes = mapOrdered(names, filesInWorkMax, async (name) => {
    try {
      const call = { algorithm, signal, stdin, cwd, onBytes };
      return { name, result: await putFile(opened.store, name, call) };
    } catch (error) {
      return { name, error };
    }
  });
  for await (const { name, result, error } of outcomes) {
    tally.files += 1;
    if (result === undefined) fail(aboutJournal(error, name, invocation, opened), name);
    else {
      const { digest, size, outcome } = result;
      const durable = journal === undefined ? undefined : !(await isPending(digest));
      const record = { digest, size, name, outcome, durable };
      await output.result(record, `${digest}  ${escapeControls(name)}`);
    }
    if (signal.aborted) return;
  }
  line.stop();
  await notePending(invocation, opened);
}

/** Says of a file that the origin did not take that the journal is too small for it, if it is. */
function aboutJournal(
  error: unknown,
  name: string,
  { io, signal }: Invocation,
  { config: { journal } }: OpenedStore,
): unknown {
  if (journal === undefined || name === "-" || signal.aborted || !isStoreError(error)) return error;
  const { size } = statSync(resolve(io.cwd, name), { throwIfNoEntry: false }) ?? { size: 0 };
  if (size <= journal.entryBytesMax) return error;
  const hint =
    `it has ${formatBytes(size)}, and the journal takes ${formatBytes(journal.entryBytesMax)} at most ` +
    "(journal.bytesMax and entryBytesMax), so it went to the origin directly";
  return Object.assign(error, { hint });
}
