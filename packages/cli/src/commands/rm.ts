import type { Command } from "commander";
import type { Attempt } from "@bitstore/core";
import { attemptRecord } from "../frame/error-record.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { blobArguments, namesTag } from "../input/blob-argument.ts";

interface RmOptions {
  readonly force?: boolean;
}

const digestsInWorkMax = 16;

/** Declares `rm`. */
export function registerRm(program: Command, frame: Frame): void {
  program
    .command("rm")
    .summary("delete blobs from the origin and the caches")
    .description(
      "Deletes each blob from the origin first and then from the caches, and prints `digest  deleted` " +
        "or `digest  missing`. Other tiers are never touched, so a blob that one of them has can " +
        "still be read. Nothing is deleted if any argument names no blob. Exits with 3 if any was " +
        "missing. With --force @TAG deletes the blob that the tag names now: the tag stays, as do " +
        "others that name the blob, and point to nothing. `bitstore tag rm` deletes a tag.",
    )
    .argument("<digest...>", "the blobs; with --force also @TAGs")
    .option("--force", "delete blobs although they are named by tags")
    .action(frame.action(rm));
}

async function rm(
  invocation: Invocation,
  args: readonly string[],
  { force = false }: RmOptions,
): Promise<void> {
  const { output, fail, count, signal } = invocation;
  const tagged = args.find(namesTag);
  if (tagged !== undefined && !force) throw needsForce(tagged);
  const blobs = blobArguments(invocation);
  const named = await blobs.resolveAll(args);
  const { store } = await invocation.openStore();
  const outcomes = mapOrdered(named, digestsInWorkMax, async ({ digest, tag }) => {
    const attempts: Attempt[] = [];
    const onAttempt = (attempt: Attempt): void => void attempts.push(attempt);
    try {
      if (signal.aborted) throw signal.reason;
      return { digest, tag, attempts, deleted: await store.delete(digest, { signal, onAttempt }) };
    } catch (error) {
      return { digest, tag, attempts, error };
    }
  });
  for await (const { digest, tag, deleted, attempts, error } of outcomes) {
    if (deleted === undefined) {
      fail(error, tag ?? digest);
      continue;
    }
    const outcome = deleted ? "deleted" : "missing";
    if (!deleted) count("NOT_FOUND");
    const record = { digest, tag, outcome, attempts: attempts.map(attemptRecord) };
    await output.result(record, `${digest}  ${outcome}`);
  }
}

/** Who writes `rm @TAG` may well mean the tag; the blob would be gone for all that name it. */
function needsForce(argument: string): Error {
  return badUsage(
    `${argument} names a blob by a tag, which would be left without it; nothing was deleted`,
    `bitstore tag rm ${argument.slice(1)} deletes the tag, rm --force ${argument} the blob`,
  );
}
