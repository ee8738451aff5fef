import { resolve } from "node:path";
import {
  collect,
  type Composite,
  type Digest,
  type ErrorCode,
  isStoreError,
  parseDigest,
  StoreError,
} from "@bitstore/core";
import { collectionBytesMax, type CollectionMember, parseCollection } from "@bitstore/tags";
import { fetchProgress, tiersOf } from "../fetch/fetch-progress.ts";
import { type FetchTally, type ReportLine, runFetch } from "../fetch/run-fetch.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Invocation } from "../frame/frame.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import { type CollectionSink, collectionSink } from "./collection-sink.ts";

/** Blobs in work at a time. */
const blobsInWorkMax = 32;
/** Times that a list with wrong bytes is read anew: one for each of many tiers. */
const readsMax = 8;
/** Files that are named on stderr; `--json` names them all. */
const namedMax = 20;

/**
 * Writes the files of a collection into a folder. What is missing or fails is told and counted, and
 * the rest goes on. Rejects where the collection itself can't be had, is none, or names what could
 * not be files of one folder: nothing is written then.
 */
export async function getCollection(
  invocation: Invocation,
  digest: Digest,
  folder: string,
): Promise<void> {
  const { io, output, signal } = invocation;
  const { store } = await invocation.openStore();
  const members = await readCollection(store, digest, signal);
  const startedMs = performance.now();
  await using sink = await collectionSink(resolve(io.cwd, folder), members);
  using progress = fetchProgress(io, output, new Set(members.map((each) => each.digest)).size);
  let told = 0;
  const tally = await runFetch({
    source: store,
    ids: wordsOf(sink.digests),
    sink,
    concurrencyMax: blobsInWorkMax,
    ordered: false,
    failFast: false,
    signal,
    onOutcome: async (line, soFar) => {
      progress.update(soFar);
      told = await tell(invocation, line, sink, told);
    },
  }).catch((error: unknown) => {
    if (isStoreError(error, "ABORTED")) {
      output.note("stopped; run the same command again, it goes on where it stopped");
    }
    throw error;
  });
  progress[Symbol.dispose]();
  if (told === 0) sink.leaveNothing();
  summarise(invocation, members.length, tally, performance.now() - startedMs);
}

async function* wordsOf(digests: Iterable<Digest>): AsyncGenerator<string, void, void> {
  yield* digests;
}

async function readCollection(
  store: Composite,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly CollectionMember[]> {
  for (let read = 1; ; read += 1) {
    try {
      await using content = await store.open(digest, { signal });
      if (content === undefined) throw absent(digest);
      return parseCollection(await collect(content.body, collectionBytesMax));
    } catch (error) {
      if (!isStoreError(error, "DIGEST_MISMATCH") || read >= readsMax) throw error;
    }
  }
}

/** Tells what came of one blob, for each of its files; resolves to how many were told as failed. */
async function tell(
  { settings, output, count }: Invocation,
  line: ReportLine,
  sink: CollectionSink,
  told: number,
): Promise<number> {
  const files = sink.filesOf(parseDigest(line.digest));
  // Where something was in the way of some files, the blob itself was had, and the others have it.
  const isPartly = line.status === "failed" && files.some(({ error }) => error !== undefined);
  let failed = told;
  for (const { name, error: own } of files) {
    const { digest, tier, size, elapsedMs } = line;
    const status = isPartly && own === undefined ? "fetched" : line.status;
    const error = isPartly ? own : line.error;
    const code: ErrorCode | undefined = status === "missing" ? "NOT_FOUND" : error?.code;
    if (code !== undefined) {
      count(code);
      failed += 1;
    }
    const why = error === undefined ? undefined : { code: error.code, message: error.message };
    const record = { name, digest, status, tier, size, elapsedMs, error: why };
    if (settings.json) await output.result(record);
    else if (code === undefined || failed > namedMax + 1) continue;
    else if (failed > namedMax) output.note("more are missing or failed; --json names them all");
    else {
      const words = `${status.padEnd("missing".length)}  ${name}  ${error?.message ?? digest}`;
      output.aside(record, escapeControls(words));
    }
  }
  return failed;
}

function summarise(
  { output }: Invocation,
  files: number,
  tally: FetchTally,
  elapsedMs: number,
): void {
  output.note(
    `${formatCount(files, "file")} in ${formatMs(elapsedMs)}, ` +
      `${formatBytes(tally.bytes)} read; blobs: ${tiersOf(tally) || "none"}`,
  );
}

function absent(digest: Digest): StoreError {
  const message = "no tier has it";
  return new StoreError({ code: "NOT_FOUND", operation: "get", subject: digest, message });
}
