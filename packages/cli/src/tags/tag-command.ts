import type { Command } from "commander";
import type { Frame } from "../frame/frame.ts";
import { registerTagChanges } from "./change-tag.ts";
import { registerPins } from "./pin-blobs.ts";
import { registerTagReads } from "./read-tags.ts";
import { registerTagSet } from "./set-tag.ts";
import { registerTagVerify } from "./verify-tags.ts";
import { registerTagWatch } from "./watch-tag.ts";

/** Declares `tag` and all below it. */
export function registerTag(program: Command, frame: Frame): void {
  const tag = program
    .command("tag")
    .summary("name blobs by tags, whose history is kept")
    .description(
      "Names blobs by tags, which may move and whose history is never lost. Tags lie in the metadata " +
        "of the config, or --metadata URL; with no config in ./.bitstore. Who writes is said by " +
        "$BITSTORE_ACTOR, or is the user. Wherever a digest is taken, so is @NAME, @NAME@SEQ and " +
        "@NAME@TIME.",
    );
  registerTagSet(tag, frame);
  registerTagReads(tag, frame);
  registerTagChanges(tag, frame);
  registerTagWatch(tag, frame);
  registerTagVerify(tag, frame);
  registerPins(tag, frame);
}
