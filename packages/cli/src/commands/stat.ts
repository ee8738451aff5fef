import type { Command } from "commander";
import { StoreError } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { blobArguments } from "../input/blob-argument.ts";

const digestsInWorkMax = 64;

/** Declares `stat`. */
export function registerStat(program: Command, frame: Frame): void {
  program
    .command("stat")
    .summary("print the sizes of blobs, without reading them")
    .description(
      "Prints `digest  size` for each blob, the size in bytes. Exits with 3 if any is missing.",
    )
    .argument("<digest...>", "the blobs, or @TAGs")
    .action(frame.action(stat));
}

async function stat(invocation: Invocation, args: readonly string[]): Promise<void> {
  const { output, fail, signal } = invocation;
  const blobs = blobArguments(invocation);
  const named = await blobs.resolveAll(args);
  const { store } = await invocation.openStore();
  const answers = mapOrdered(named, digestsInWorkMax, async ({ digest, tag }) => {
    try {
      return { digest, tag, found: await store.stat(digest, { signal }) };
    } catch (error) {
      return { digest, tag, error };
    }
  });
  for await (const { digest, tag, found, error } of answers) {
    if (error !== undefined) fail(error, tag ?? digest);
    else if (found !== undefined) {
      await output.result({ ...found, tag }, `${digest}  ${found.size}`);
    } else {
      const message = "no tier has it";
      const absent = { code: "NOT_FOUND", operation: "stat", subject: digest, message } as const;
      fail(new StoreError(absent), tag);
    }
  }
}
