import { parseTagName } from "@bitstore/core";
import { badUsage } from "../frame/hinted.ts";
import { parseMoment } from "../input/parse-moment.ts";

/** A tag as a command line names it: the newest entry, a sequence, or what was newest at a time. */
export interface TagReference {
  readonly name: string;
  readonly seq?: number;
  readonly time?: Date;
}

/**
 * Parses `NAME`, `NAME@SEQ` or `NAME@TIME`, with an `@` before it or without. A number is a sequence,
 * all else what {@link parseMoment} takes.
 *
 * @throws INVALID_ARGUMENT for what is none of these.
 */
export function parseTagReference(text: string, nowMs: number): TagReference {
  const whole = withoutAt(text);
  const at = whole.indexOf("@");
  if (at < 0) return { name: parseTagName(whole) };
  const name = parseTagName(whole.slice(0, at));
  const rest = whole.slice(at + 1);
  if (/^\d+$/.test(rest)) return { name, seq: parseSeq(rest, 1) };
  return { name, time: parseMoment(rest, nowMs) };
}

/** Reads the name of a tag that is written to: `@NAME` is taken as well. */
export function parseTagArgument(text: string): string {
  const name = withoutAt(text);
  const [first = "", ...rest] = name.split("@");
  if (rest.length === 0 || first === "") return parseTagName(name);
  throw badUsage(
    `${JSON.stringify(text.slice(0, 80))} names one entry of a tag; here the tag itself is meant`,
    `write ${JSON.stringify(first.slice(0, 80))}`,
  );
}

/** Reads a sequence. @throws INVALID_ARGUMENT for what is no whole number from `least` on. */
export function parseSeq(text: string, least: 0 | 1): number {
  const seq = Number(text);
  if (/^\d{1,16}$/.test(text) && seq >= least && Number.isSafeInteger(seq)) return seq;
  const shown = JSON.stringify(text.slice(0, 80));
  throw badUsage(
    `${shown} is no sequence: they are whole numbers from ${least} on`,
    "bitstore tag log NAME shows them",
  );
}

function withoutAt(text: string): string {
  return text.startsWith("@") ? text.slice(1) : text;
}
