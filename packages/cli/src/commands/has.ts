import type { Command } from "commander";
import { type Composite, type Descriptor, type Digest, isStoreError } from "@bitstore/core";
import { errorRecord } from "../frame/error-record.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { toStoreError } from "../frame/system-error.ts";
import { blobArguments } from "../input/blob-argument.ts";
import { type GivenDigest, readDigests } from "../input/read-digests.ts";

interface HasOptions {
  readonly durable?: boolean;
}

/** Digests asked for at a time; each tier has a bound of its own. */
const digestsInWorkMax = 64;

/** Declares `has`. */
export function registerHas(program: Command, frame: Frame): void {
  program
    .command("has")
    .summary("tell which blobs are there, without reading them")
    .description(
      "Prints `digest  present|missing|unknown` for each ID, in order. IDS are digests, @TAGs, files " +
        "that list them, or - for a list on standard input; the first word of each line counts. Exits " +
        "with 3 if any is missing, and with 7 if of any it could not be told.",
    )
    .argument("[ids...]", "digests, @TAGs, or files that list them; - is standard input")
    .option("--durable", "ask the origin alone: a copy in a cache does not count")
    .action(frame.action(has));
}

async function has(
  invocation: Invocation,
  args: readonly string[],
  { durable = false }: HasOptions,
): Promise<void> {
  const { store } = await invocation.openStore();
  const { signal } = invocation;
  const ask = durable
    ? (digest: Digest) => store.durable(digest, { signal })
    : (digest: Digest) => store.stat(digest, { signal });
  const given = readDigests(args, invocation, blobArguments(invocation));
  const answers = mapOrdered(given, digestsInWorkMax, async (each) => {
    return await answerOf(each, ask, signal);
  });
  for await (const answer of answers) await report(invocation, answer);
}

type Ask = (digest: Digest) => ReturnType<Composite["stat"]>;

interface Answer {
  readonly given: GivenDigest;
  readonly found?: Descriptor | undefined;
  readonly error?: unknown;
}

async function answerOf(given: GivenDigest, ask: Ask, signal: AbortSignal): Promise<Answer> {
  if (!("digest" in given)) return { given, error: given.error };
  try {
    return { given, found: await ask(given.digest) };
  } catch (error) {
    // What is wrong with the store is wrong for every digest, so it is said once and ends it.
    const isLasting = isStoreError(error, "CONFIG_INVALID") || isStoreError(error, "UNSUPPORTED");
    if (signal.aborted || isLasting) throw error;
    return { given, error };
  }
}

async function report(invocation: Invocation, { given, found, error }: Answer): Promise<void> {
  const { output, count, fail } = invocation;
  if (!("digest" in given)) {
    fail(error, given.input);
    return;
  }
  const { digest, tag } = given;
  if (error !== undefined) {
    const unknown = toStoreError(error, "stat", digest);
    count("UNAVAILABLE");
    const why = { ...errorRecord(unknown) };
    await output.result({ digest, tag, status: "unknown", error: why }, `${digest}  unknown`);
    output.note(tag === undefined ? unknown.message : `${tag}: ${unknown.message}`);
  } else if (found === undefined) {
    count("NOT_FOUND");
    await output.result({ digest, tag, status: "missing" }, `${digest}  missing`);
  } else {
    const record = { digest, tag, status: "present", size: found.size };
    await output.result(record, `${digest}  present`);
  }
}
