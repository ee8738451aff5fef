import type { Command } from "commander";
import { type Descriptor, isStoreError } from "@bitstore/core";
import { adviceFor } from "../frame/advice.ts";
import { errorRecord } from "../frame/error-record.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { toStoreError } from "../frame/system-error.ts";
import { blobArguments } from "../input/blob-argument.ts";
import { type GivenDigest, readDigests } from "../input/read-digests.ts";
import { type AskForBlob, listAsker, listedInWorkMax } from "../store/list-asker.ts";

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
  const opened = await invocation.openStore();
  const { store } = opened;
  const { signal, settings } = invocation;
  // A list does not tell sizes, which are in the JSON.
  const listed = durable && !settings.json ? listAsker(opened, signal) : undefined;
  const single: AskForBlob = durable
    ? (digest) => store.durable(digest, { signal })
    : (digest) => store.stat(digest, { signal });
  const given = readDigests(args, invocation, blobArguments(invocation));
  const inWorkMax = listed === undefined ? digestsInWorkMax : listedInWorkMax;
  const ask = listed ?? single;
  const answers = mapOrdered(given, inWorkMax, async (each) => {
    return await answerOf(each, ask, signal);
  });
  let isAdvised = false;
  for await (const answer of answers) {
    const advice = await report(invocation, answer);
    // It is the same for many, so it is given with the first of them alone.
    if (advice !== undefined && !isAdvised) invocation.output.note(advice);
    isAdvised ||= advice !== undefined;
  }
}

interface Answer {
  readonly given: GivenDigest;
  readonly found?: Partial<Descriptor> | undefined;
  readonly error?: unknown;
}

async function answerOf(given: GivenDigest, ask: AskForBlob, signal: AbortSignal): Promise<Answer> {
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

/** Prints one answer, and resolves to advice where it could not be told. */
async function report(
  invocation: Invocation,
  { given, found, error }: Answer,
): Promise<string | undefined> {
  const { output, count, fail } = invocation;
  if (!("digest" in given)) {
    fail(error, given.input);
    return undefined;
  }
  const { digest, tag } = given;
  if (error !== undefined) {
    const unknown = toStoreError(error, "stat", digest);
    count("UNAVAILABLE");
    const why = { ...errorRecord(unknown) };
    await output.result({ digest, tag, status: "unknown", error: why }, `${digest}  unknown`);
    output.note(tag === undefined ? unknown.message : `${tag}: ${unknown.message}`);
    return adviceFor(unknown);
  } else if (found === undefined) {
    count("NOT_FOUND");
    await output.result({ digest, tag, status: "missing" }, `${digest}  missing`);
  } else {
    const record = { digest, tag, status: "present", size: found.size };
    await output.result(record, `${digest}  present`);
  }
  return undefined;
}
