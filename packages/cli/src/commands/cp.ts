import type { Command } from "commander";
import { openStore, parseStore } from "@bitstore/config";
import {
  type BlobStore,
  type Composite,
  composite,
  defineTier,
  type Digest,
  isStoreError,
  StoreError,
} from "@bitstore/core";
import { errorRecord } from "../frame/error-record.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage, messageOf } from "../frame/hinted.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { toStoreError } from "../frame/system-error.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import { blobArguments } from "../input/blob-argument.ts";
import { type GivenDigest, readDigests } from "../input/read-digests.ts";
import { showStatusLine } from "../output/status-line.ts";
import { hurriedClock } from "../store/hurried-clock.ts";

interface CpOptions {
  readonly from: string;
  readonly to: string;
}

type CopyStatus = "copied" | "skipped" | "missing" | "failed";

interface Copy {
  readonly digest: string;
  readonly status: CopyStatus;
  readonly size?: number | undefined;
  readonly error?: StoreError;
}

type Tally = Record<CopyStatus, number> & { bytes: number };

/** Blobs that are copied at a time. */
const blobsInWorkMax = 16;
/** Failures that are told one by one; `--json` tells them all. */
const toldMax = 20;

/** Declares `cp`. */
export function registerCp(program: Command, frame: Frame): void {
  program
    .command("cp")
    .summary("mirror blobs from one store into another")
    .description(
      "Copies the blobs that IDS name, or all that the source lists, and verifies each on the way. " +
        "What the destination has in the same size is skipped, so that a run which was interrupted " +
        "is just started again. Nothing is deleted. Exits with 3 if any is missing in the source.",
    )
    .argument("[ids...]", "digests, @TAGs, or files that list them; - is standard input; else all")
    .requiredOption("--from <url>", "the store to read")
    .requiredOption("--to <url>", "the store to write")
    .action(frame.action(cp));
}

async function cp(
  invocation: Invocation,
  args: readonly string[],
  options: CpOptions,
): Promise<void> {
  const { io, output, settings, signal, count } = invocation;
  if (settings.tiers.length > 0) {
    throw badUsage("cp takes two stores, not tiers", "say --from URL and --to URL alone");
  }
  const from = await openStore(parseStore(options.from, io.cwd), { env: io.env });
  await using source = verifiedSource(from, signal);
  // A directory that is not there is made: to mirror into a new one is the usual case.
  const destination = { ...parseStore(options.to, io.cwd), create: true };
  await using target = await openStore(destination, { env: io.env });
  if (!target.capabilities.put) throw cannot("put", target, "name another store with --to");
  if (args.length === 0 && !from.capabilities.list) throw cannot("list", from, "give the digests");

  const tally: Tally = { copied: 0, skipped: 0, missing: 0, failed: 0, bytes: 0 };
  using line = showStatusLine({ io, output }, (elapsedMs) => words(tally, elapsedMs));
  const given =
    args.length === 0
      ? listed(from, signal)
      : readDigests(args, invocation, blobArguments(invocation));
  const copies = mapOrdered(given, blobsInWorkMax, (each) => copyOne(each, source, target, signal));
  for await (const copy of copies) {
    if (signal.aborted) throw signal.reason;
    tally[copy.status] += 1;
    if (copy.status === "copied") tally.bytes += copy.size ?? 0;
    if (copy.status === "missing") count("NOT_FOUND");
    if (copy.error !== undefined) count(copy.error.code);
    await tell(invocation, copy, tally);
  }
  line.stop();
  output.note(words(tally, line.elapsedMs()));
}

/** A composite of one tier verifies what it reads, and goes on where a stream breaks off. */
function verifiedSource(store: BlobStore, signal: AbortSignal): Composite {
  const tiers = [defineTier({ name: store.name, source: store })];
  return composite({ tiers, name: "source", clock: hurriedClock(signal) });
}

async function* listed(store: BlobStore, signal: AbortSignal): AsyncGenerator<GivenDigest> {
  for await (const { digest } of store.list({ signal })) yield { input: digest, digest };
}

async function copyOne(
  given: GivenDigest,
  source: Composite,
  target: BlobStore,
  signal: AbortSignal,
): Promise<Copy> {
  if (!("digest" in given)) return { digest: given.input, status: "failed", error: given.error };
  const { digest } = given;
  try {
    if (signal.aborted) throw signal.reason;
    const there = await target.stat(digest, { signal }).catch(unlessUnsupported);
    if (there !== undefined && (await isSameSize(source, digest, there.size, signal))) {
      return { digest, status: "skipped", size: there.size };
    }
    const first = await source.open(digest, { signal });
    if (first === undefined) return { digest, status: "missing" };
    await using content = first;
    // The body that is open serves the first pass; a put that has to start again opens another.
    let isOpen = true;
    const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
      const again = isOpen ? content : await source.open(digest, { signal });
      isOpen = false;
      if (again !== undefined) yield* again.body;
    };
    const { size } = await target.put(body, { digest, size: content.size, signal });
    return { digest, status: "copied", size };
  } catch (error) {
    return { digest, status: "failed", error: toStoreError(error, "cp", digest) };
  }
}

/** Compares with the source; where it tells no size, being there is enough. */
async function isSameSize(
  source: Composite,
  digest: Digest,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (!source.capabilities.stat) return true;
  const original = await source.stat(digest, { signal });
  return original === undefined || original.size === size;
}

function unlessUnsupported(error: unknown): undefined {
  if (!isStoreError(error, "UNSUPPORTED")) throw error;
  return undefined;
}

async function tell(
  { output, settings }: Invocation,
  { digest, status, size, error }: Copy,
  tally: Tally,
): Promise<void> {
  const why = error === undefined ? undefined : errorRecord(error);
  const record = { digest, status, size, error: why };
  if (settings.json) {
    await output.result(record);
    return;
  }
  if (status !== "missing" && status !== "failed") return;
  const told = tally.missing + tally.failed;
  if (told === toldMax + 1) output.note("more are missing or failed; --json tells them all");
  if (told > toldMax) return;
  const line = error === undefined ? digest : `${digest}  ${messageOf(error)}`;
  output.aside(record, `${status}  ${escapeControls(line)}`);
}

function words(tally: Tally, elapsedMs: number): string {
  const rate = formatBytes(Math.round((tally.bytes / Math.max(1, elapsedMs)) * 1000));
  const counts = [`${formatCount(tally.copied, "blob")} copied`, `${tally.skipped} there already`];
  if (tally.missing > 0) counts.push(`${tally.missing} missing`);
  if (tally.failed > 0) counts.push(`${tally.failed} failed`);
  return `${counts.join(", ")}; ${formatBytes(tally.bytes)} in ${formatMs(elapsedMs)} (${rate}/s)`;
}

function cannot(operation: string, store: BlobStore, hint: string): Error {
  const message = `this store can't ${operation}; ${hint}`;
  return new StoreError({ code: "UNSUPPORTED", operation: "cp", source: store.name, message });
}
