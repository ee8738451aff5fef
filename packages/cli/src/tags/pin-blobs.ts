import type { Command } from "commander";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { mapOrdered } from "../frame/map-ordered.ts";
import { blobArguments, type NamedBlob } from "../input/blob-argument.ts";
import { advised } from "./advise.ts";
import { actorOf, openPinLog } from "./open-tag-log.ts";
import { unsafeWords } from "./write-options.ts";

interface PinOptions {
  readonly reason?: string;
  readonly unsafeSingleWriter?: boolean;
}

/** Pins that are written or read at a time. */
const pinsInWorkMax = 16;

/** Declares `tag pin`, `tag unpin` and `tag pins`. */
export function registerPins(tag: Command, frame: Frame): void {
  tag
    .command("pin")
    .summary("keep blobs, whether a tag names them or not")
    .description(
      "Pins each blob: no garbage collection deletes it until it is unpinned. A blob that is pinned " +
        "already stays as it is. @TAG pins what the tag names now, and does not move with it. Prints " +
        "`digest  pinned`. Exits with 3 if the origin does not have one.",
    )
    .argument("<digest...>", "the blobs, or @TAGs")
    .option("--reason <text>", "why, for the history")
    .option("--unsafe-single-writer", unsafeWords)
    .action(frame.action(pin));
  tag
    .command("unpin")
    .summary("take pins off")
    .description(
      "Takes the pin off each blob, and prints `digest  unpinned`, or `digest  not pinned`. Exits " +
        "with 3 if one was not pinned.",
    )
    .argument("<digest...>", "the blobs, or @TAGs")
    .option("--reason <text>", "why, for the history")
    .option("--unsafe-single-writer", unsafeWords)
    .action(frame.action(unpin));
  tag
    .command("pins")
    .summary("list what is pinned")
    .description("Prints `digest  time  actor  reason` for each blob that is pinned.")
    .action(frame.action(listPins));
}

async function pin(
  invocation: Invocation,
  args: readonly string[],
  options: PinOptions,
): Promise<void> {
  const pins = openPinLog(await invocation.openStore(), invocation, options);
  const call = callOf(invocation, options);
  await each(invocation, args, async ({ digest, tag, entry }) => {
    // A collection that is pinned by its tag keeps the blobs that it names.
    const mediaType = entry?.target.mediaType;
    const { time, actor, reason } = await pins.pin(digest, { ...call, mediaType });
    const record = { digest, tag, status: "pinned", time, actor, reason };
    return { record, text: `${digest}  pinned` };
  });
}

async function unpin(
  invocation: Invocation,
  args: readonly string[],
  options: PinOptions,
): Promise<void> {
  const pins = openPinLog(await invocation.openStore(), invocation, options);
  const call = callOf(invocation, options);
  await each(invocation, args, async ({ digest, tag }) => {
    const status = (await pins.unpin(digest, call)) ? "unpinned" : "not pinned";
    if (status === "not pinned") invocation.count("NOT_FOUND");
    return { record: { digest, tag, status }, text: `${digest}  ${status}` };
  });
}

async function listPins(invocation: Invocation): Promise<void> {
  const { output, signal } = invocation;
  const pins = openPinLog(await invocation.openStore(), invocation);
  const found = mapOrdered(pins.list({ signal }), pinsInWorkMax, async (digest) => {
    return { digest, entry: await pins.stat(digest, { signal }) };
  });
  for await (const { digest, entry } of found) {
    if (signal.aborted) throw signal.reason;
    // One may be taken off between the list and the look.
    if (entry === undefined) continue;
    const { time, actor, reason } = entry;
    const words = [digest, time, escapeControls(actor), escapeControls(reason ?? "")];
    await output.result({ digest, time, actor, reason }, words.join("  ").trimEnd());
  }
}

function callOf(
  { io, signal }: Invocation,
  { reason }: PinOptions,
): { readonly actor: string; readonly reason: string | undefined; readonly signal: AbortSignal } {
  return { actor: actorOf(io.env), reason, signal };
}

/** Does something with each blob, of which none is touched if any argument names no blob. */
async function each(
  invocation: Invocation,
  args: readonly string[],
  work: (named: NamedBlob) => Promise<{ readonly record: object; readonly text: string }>,
): Promise<void> {
  const { output, fail, signal } = invocation;
  const named = await blobArguments(invocation).resolveAll(args);
  const outcomes = mapOrdered(named, pinsInWorkMax, async (one) => {
    try {
      if (signal.aborted) throw signal.reason;
      return { one, done: await work(one) };
    } catch (error) {
      return { one, error };
    }
  });
  for await (const { one, done, error } of outcomes) {
    if (done === undefined) fail(advised(error), one.tag ?? one.digest);
    else await output.result(done.record, done.text);
  }
}
