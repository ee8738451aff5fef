import type { Command } from "commander";
import type { TagExpectation, TagWriteOptions } from "@bitstore/core";
import type { Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { blobArguments } from "../input/blob-argument.ts";
import { parseWholeOr0 } from "../input/parse-whole.ts";
import { actorOf } from "./open-tag-log.ts";
import { parseSeq } from "./tag-reference.ts";

/** What every command takes that writes to a tag. */
export interface WriteOptions {
  readonly expect?: string;
  readonly reason?: string;
  readonly nonce?: string;
  readonly base?: number;
  readonly unsafeSingleWriter?: boolean;
}

/** Declares what every command takes that writes to a tag. */
export function withWriteOptions(command: Command): Command {
  return command
    .option("--expect <what>", "write only if the tag is at this DIGEST or SEQ now, or is `absent`")
    .option("--reason <text>", "why, for the history")
    .option("--nonce <hex>", "of a write whose outcome is open: write it now, unless it was")
    .option(
      "--base <seq>",
      "with --nonce: where the tag stood when it was first tried",
      parseWholeOr0,
    )
    .option("--unsafe-single-writer", unsafeWords);
}

/** Words of the option of every command that writes to the metadata bucket. */
export const unsafeWords =
  "write to a bucket that fails doctor's first probes: entries are lost if two processes write";

/** Reads what was said into what the log takes. Rejects as `blobArguments` does for `--expect`. */
export async function readWriteOptions(
  invocation: Invocation,
  { expect, reason, nonce, base }: WriteOptions,
): Promise<TagWriteOptions> {
  const { io, signal } = invocation;
  return {
    actor: actorOf(io.env),
    signal,
    reason,
    nonce,
    base,
    expect: expect === undefined ? undefined : await parseExpectation(expect, invocation),
  };
}

async function parseExpectation(text: string, invocation: Invocation): Promise<TagExpectation> {
  if (text === "absent") return "absent";
  // No digest is as short as the longest sequence.
  if (/^\d{1,16}$/.test(text)) return parseSeq(text, 0);
  try {
    return (await blobArguments(invocation).resolve(text)).digest;
  } catch (error) {
    if (text.startsWith("@") || /^[a-z0-9-]+:/i.test(text) || text.length >= 40) throw error;
    throw badUsage(
      `--expect ${JSON.stringify(text.slice(0, 80))} can't be read`,
      "it is a digest, a sequence such as 7, or the word absent",
    );
  }
}

/** Reads one KEY=VALUE, and adds it to those before it. @throws INVALID_ARGUMENT for another form. */
export function addAnnotation(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) {
    const shown = JSON.stringify(text.slice(0, 80));
    throw badUsage(`the annotation ${shown} has no key and value`, "write KEY=VALUE");
  }
  // A computed name makes a member of its own even of `__proto__`, which is refused later.
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
