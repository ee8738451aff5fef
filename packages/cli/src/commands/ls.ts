import type { Command } from "commander";
import { type Digest, parseDigest } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { parseWhole } from "../input/parse-whole.ts";

interface LsOptions {
  readonly after?: Digest;
  readonly number?: number;
}

/** Declares `ls`. */
export function registerLs(program: Command, frame: Frame): void {
  program
    .command("ls")
    .summary("list the blobs of all tiers that can list")
    .description(
      "Prints `digest  size` for each blob, in ascending order of the digests, each once. Tiers that " +
        "can't list, such as an HTTP API, are left out, and a note says so.",
    )
    .option("--after <digest>", "list the digests that are greater than this one", (text) =>
      parseDigest(text),
    )
    .option("-n, --number <count>", "list at most this many", parseWhole)
    .action(frame.action(ls));
}

async function ls(
  invocation: Invocation,
  _args: readonly string[],
  { after, number = Number.POSITIVE_INFINITY }: LsOptions,
): Promise<void> {
  const { output, signal } = invocation;
  const { store } = await invocation.openStore();
  const silent = store.tiers.filter(({ source }) => !source.capabilities.list);
  if (silent.length > 0 && silent.length < store.tiers.length) {
    output.note(`not listed, since they can't list: ${silent.map(({ name }) => name).join(", ")}`);
  }
  let listed = 0;
  for await (const { digest, size } of store.list({ startAfter: after, signal })) {
    if (signal.aborted) throw signal.reason;
    await output.result({ digest, size }, `${digest}  ${size}`);
    listed += 1;
    if (listed >= number) break;
  }
}
