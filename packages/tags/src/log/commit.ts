import { StoreError, type TagEntry, type TagWriteOptions } from "@bitstore/core";
import type { Request } from "./calls.ts";
import { type Change, isSame, refusal } from "./change.ts";
import { type LogContext, requestOf } from "./context.ts";
import { findNonce } from "./find-nonce.ts";
import type { Head } from "./heads.ts";
import { type Draft, writeManifest } from "./manifest.ts";
import { removeMarkers, writeMarker } from "./markers.ts";
import { putEntry } from "./put-entry.ts";

/**
 * Appends one entry. It starts from what is remembered of the tag, since a create-if-absent of the
 * next sequence fails where that is old; a change is refused only by what was just read. A sequence
 * is left for the next one only when the entry of somebody else was read there, so no answer that is
 * lost leads to a second entry, and no number is skipped.
 */
export async function commit(
  context: LogContext,
  tag: string,
  change: Change,
  options: TagWriteOptions,
  { nonce, deadlineMs }: { readonly nonce: string; readonly deadlineMs: number },
): Promise<TagEntry> {
  const { heads, limits, bucket } = context;
  const request = requestOf(change.op, tag, options);
  if (context.clock.now() > deadlineMs) throw tooLate(context, request, "others here were first");
  const known = options.nonce === undefined ? heads.known(tag) : undefined;
  // An entry that was remembered may not have been the newest at any time of this call, and neither
  // may the one that took the sequence after it.
  let isFresh = known === undefined;
  let head = known ?? (await heads.read(tag, request, deadlineMs));
  // Entries up to this one are known not to have the nonce. One that was just made can only be where
  // it was sent to, and every such sequence is settled before it is left.
  let searched =
    options.nonce === undefined
      ? Number.POSITIVE_INFINITY
      : (options.base ?? Math.max(0, head.seq - limits.nonceSearchMax));

  for (let losses = 0; ; ) {
    if (head.seq > searched) {
      const search = { head, base: searched, nonce };
      const written = await findNonce(context, tag, search, request, deadlineMs);
      if (written !== undefined) return checkSame(context, written, change);
      searched = head.seq;
    }
    const refused = refusal(tag, change, options.expect, head.entry, bucket.name);
    if (refused !== undefined && isFresh) throw refused;
    if (refused !== undefined) {
      head = await heads.read(tag, request, deadlineMs);
      isFresh = true;
      continue;
    }
    const draft = draftOf(context, tag, change, options, nonce, head);
    const manifest = await writeManifest(draft, head.entry, bucket.name);
    const { seq } = manifest.entry;
    if (change.op === "delete") await writeMarker(context, tag, seq, request, deadlineMs);
    const sentAtMs = context.clock.now();
    const put = await putEntry(context, manifest, request, deadlineMs);
    heads.learn(tag, put.entry, put.isOurs ? sentAtMs : undefined);
    if (put.isOurs) {
      if (head.entry?.op === "delete") await removeMarkers(context, tag, seq, request);
      return put.entry;
    }
    losses += 1;
    head = await afterLoss(context, tag, put.entry, losses, request, deadlineMs);
    isFresh ||= losses > 1;
  }
}

/**
 * Looks whether a write whose nonce the caller gave has been written before; undefined where it has
 * not. INVALID_ARGUMENT where another write has the nonce.
 */
export async function findWritten(
  context: LogContext,
  tag: string,
  change: Change,
  options: TagWriteOptions,
): Promise<TagEntry | undefined> {
  const { nonce } = options;
  if (nonce === undefined) return undefined;
  const request = requestOf(change.op, tag, options);
  const deadlineMs = context.calls.deadline();
  const head = await context.heads.read(tag, request, deadlineMs);
  const base = options.base ?? Math.max(0, head.seq - context.limits.nonceSearchMax);
  const written = await findNonce(context, tag, { head, base, nonce }, request, deadlineMs);
  return written === undefined ? undefined : checkSame(context, written, change);
}

/** Finds where to go on: after one lost race at the winner's entry, after more at the newest. */
async function afterLoss(
  context: LogContext,
  tag: string,
  winner: TagEntry,
  losses: number,
  request: Request,
  deadlineMs: number,
): Promise<Head> {
  if (losses === 1) return { seq: winner.seq, entry: winner };
  if (!(await context.calls.pause(request, deadlineMs, losses))) {
    throw tooLate(context, request, `others were first ${losses} times`);
  }
  return await context.heads.read(tag, request, deadlineMs);
}

function tooLate({ bucket }: LogContext, { operation, subject }: Request, why: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    subject,
    source: bucket.name,
    persistence: "exhausted",
    message: `${why} until its time was over; nothing was written`,
  });
}

function draftOf(
  context: LogContext,
  tag: string,
  change: Change,
  options: TagWriteOptions,
  nonce: string,
  { seq, entry: before }: Head,
): Draft {
  const target = change.target(before);
  const { reason } = options;
  const { restored, annotations } = change;
  return {
    namespace: context.namespace,
    tag,
    seq: seq + 1,
    op: change.op,
    ...(target === undefined ? {} : { target }),
    ...(restored === undefined ? {} : { restored }),
    ...(before === undefined ? {} : { prev: { seq, sha256: before.sha256 } }),
    nonce,
    actor: options.actor ?? context.actor,
    client: context.client,
    time: timeAfter(before, context.bucket.serviceTime() ?? new Date()),
    ...(reason === undefined ? {} : { reason }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Takes the service's time, or a millisecond after the entry before, whichever is later. */
function timeAfter(before: TagEntry | undefined, now: Date): string {
  const earliestMs = before === undefined ? 0 : Date.parse(before.time) + 1;
  return new Date(Math.max(earliestMs, now.getTime())).toISOString();
}

function checkSame({ bucket }: LogContext, written: TagEntry, change: Change): TagEntry {
  if (isSame(written, change)) return written;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: change.op,
    subject: written.tag,
    source: bucket.name,
    message: `its nonce was used for another write, sequence ${written.seq}; make a new one`,
  });
}
