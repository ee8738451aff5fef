import type { Command } from "commander";
import type { Attempt } from "@bitstore/core";
import { attemptRecord } from "../frame/error-record.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { parseBlobArgument } from "../input/blob-argument.ts";

const digestsInWorkMax = 16;

/** Declares `rm`. */
export function registerRm(program: Command, frame: Frame): void {
  program
    .command("rm")
    .summary("delete blobs from the origin and the caches")
    .description(
      "Deletes each blob from the origin first and then from the caches, and prints `digest  deleted` " +
        "or `digest  missing`. Other tiers are never touched, so a blob that one of them has can " +
        "still be read. Nothing is deleted if any argument is no digest. Exits with 3 if any was " +
        "missing.",
    )
    .argument("<digest...>", "the blobs")
    .action(frame.action(rm));
}

async function rm(invocation: Invocation, args: readonly string[]): Promise<void> {
  const { output, fail, count, signal } = invocation;
  const digests = args.map(parseBlobArgument);
  const { store } = await invocation.openStore();
  const outcomes = mapOrdered(digests, digestsInWorkMax, async (digest) => {
    const attempts: Attempt[] = [];
    const onAttempt = (attempt: Attempt): void => void attempts.push(attempt);
    try {
      if (signal.aborted) throw signal.reason;
      return { digest, attempts, deleted: await store.delete(digest, { signal, onAttempt }) };
    } catch (error) {
      return { digest, attempts, error };
    }
  });
  for await (const { digest, deleted, attempts, error } of outcomes) {
    if (deleted === undefined) {
      fail(error, digest);
      continue;
    }
    const outcome = deleted ? "deleted" : "missing";
    if (!deleted) count("NOT_FOUND");
    const record = { digest, outcome, attempts: attempts.map(attemptRecord) };
    await output.result(record, `${digest}  ${outcome}`);
  }
}
