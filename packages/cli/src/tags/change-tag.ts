import type { Command } from "commander";
import type { TagEntry, TagLog, TagWriteOptions } from "@bitstore/core";
import type { Frame, Invocation } from "../frame/frame.ts";
import { advised } from "./advise.ts";
import { openTagLog } from "./open-tag-log.ts";
import { entryLine } from "./tag-lines.ts";
import { parseSeq, parseTagArgument } from "./tag-reference.ts";
import {
  addAnnotation,
  readWriteOptions,
  withWriteOptions,
  type WriteOptions,
} from "./write-options.ts";

/** Declares `tag rm`, `tag rollback` and `tag annotate`. */
export function registerTagChanges(tag: Command, frame: Frame): void {
  const rm = tag
    .command("rm")
    .summary("delete a tag; its history stays")
    .description(
      "Deletes the tag: from now on it names nothing, and `tag ls` leaves it out. Its history stays, " +
        "`tag rollback` brings it back, and the blob is left alone. Exits with 3 if there is none.",
    )
    .argument("<name>", "the tag");
  withWriteOptions(rm).action(
    frame.action<WriteOptions>(async (invocation, [name = ""], options) => {
      const target = parseTagArgument(name);
      await change(invocation, options, (log, call) => log.remove(target, call));
    }),
  );
  const rollback = tag
    .command("rollback")
    .summary("point a tag to what it named at an earlier sequence")
    .description(
      "Appends a copy of an earlier entry, with its blob and annotations: the history goes on, and " +
        "nothing of it is lost. Exits with 3 if there is no such entry, or the blob is gone.",
    )
    .argument("<name>", "the tag")
    .argument("<seq>", "the sequence, as `tag log` shows it");
  withWriteOptions(rollback).action(
    frame.action<WriteOptions>(async (invocation, [name = "", text = ""], options) => {
      const target = parseTagArgument(name);
      const seq = parseSeq(text, 1);
      await change(invocation, options, (log, call) => log.rollback(target, seq, call));
    }),
  );
  const annotate = tag
    .command("annotate")
    .summary("say something of what a tag names")
    .description(
      "Appends an entry that names the same blob, with these annotations and no others; those of the " +
        "entries before stay in the history.",
    )
    .argument("<name>", "the tag")
    .argument("<key=value...>", "the annotations");
  withWriteOptions(annotate).action(
    frame.action<WriteOptions>(async (invocation, [name = "", ...words], options) => {
      const target = parseTagArgument(name);
      let annotations: Readonly<Record<string, string>> = {};
      for (const word of words) annotations = addAnnotation(word, annotations);
      await change(invocation, options, (log, call) => log.annotate(target, annotations, call));
    }),
  );
}

async function change(
  invocation: Invocation,
  options: WriteOptions,
  write: (log: TagLog, call: TagWriteOptions) => Promise<TagEntry>,
): Promise<void> {
  const log = openTagLog(await invocation.openStore(), invocation, options);
  const call = await readWriteOptions(invocation, options);
  let entry: TagEntry;
  try {
    entry = await write(log, call);
  } catch (error) {
    throw advised(error);
  }
  await invocation.output.result({ ...entry }, entryLine(entry));
}
