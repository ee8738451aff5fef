import type { Command } from "commander";
import { type TagVerification, StoreError } from "@bitstore/core";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { openTagLog } from "./open-tag-log.ts";
import { parseTagArgument } from "./tag-reference.ts";

/** Logs that are read at a time; each of them reads several entries at a time. */
const tagsInWorkMax = 4;

/** Declares `tag verify`. */
export function registerTagVerify(tag: Command, frame: Frame): void {
  tag
    .command("verify")
    .summary("read whole histories and tell what is wrong with them")
    .description(
      "Reads every entry of each tag, or of all tags, deleted ones too, and checks that none is " +
        "missing and that each names the one before it by its hash. Prints `ok  NAME@SEQ  sha256`: " +
        "keep that hash of the newest entry elsewhere, and nobody can change the history before it " +
        "unseen. Exits with 4 if anything is wrong, 3 if a tag was never set. It does not read " +
        "blobs; `bitstore verify` does.",
    )
    .argument("[name...]", "the tags; all if left out")
    .action(frame.action(verifyTags));
}

async function verifyTags(invocation: Invocation, args: readonly string[]): Promise<void> {
  const { fail, signal } = invocation;
  const named = args.map(parseTagArgument);
  const log = openTagLog(await invocation.openStore(), invocation);
  const names = named.length > 0 ? named : log.list({ deleted: true, signal });
  const results = mapOrdered(names, tagsInWorkMax, async (tag) => {
    try {
      return { tag, found: await log.verify(tag, { signal }) };
    } catch (error) {
      return { tag, error };
    }
  });
  for await (const { tag, found, error } of results) {
    if (signal.aborted) throw signal.reason;
    if (found === undefined) fail(error, tag);
    else await report(invocation, found);
  }
}

async function report({ output, count, fail }: Invocation, found: TagVerification): Promise<void> {
  const { tag, seq, sha256, problems } = found;
  if (seq === 0 && problems.length === 0) {
    const message = "the tag was never set";
    fail(new StoreError({ code: "NOT_FOUND", operation: "verify", subject: tag, message }));
    return;
  }
  if (problems.length > 0) count("DIGEST_MISMATCH");
  const status = problems.length === 0 ? "ok" : "wrong";
  const style = status === "ok" ? "green" : "red";
  const head = output.paint(style, status.padEnd("wrong".length));
  await output.result(
    { status, ...found },
    `${head}  ${tag}@${seq}  ${sha256 ?? "its newest entry can't be read"}`,
    ...problems.map(({ seq: at, problem }) => `       ${at}: ${escapeControls(problem)}`),
  );
}
