import type { Mutant } from "../../../../test/sim/mutant.ts";

const log = (file: string): string => `packages/tags/src/log/${file}.ts`;

/**
 * Mistakes of one line that a tag log of this kind could have, most of them ones that others have
 * made. The histories must find each; a log in which they find none is worth that much.
 */
export const mutants: readonly Mutant[] = [
  {
    name: "a marker without its sequence",
    file: log("keys"),
    find: "marker: (tag, seq) => markersOf(tag) + pad16(seq),",
    replace: "marker: (tag) => markersOf(tag) + pad16(0),",
    why: "SAFETY 12: a set that is late removes the marker of a later tombstone",
  },
  {
    name: "no marker",
    file: log("commit"),
    find: 'if (change.op === "delete") await writeMarker(',
    replace: 'if (change.op === "never") await writeMarker(',
    why: "F4: a deleted tag is listed",
  },
  {
    name: "a tombstone does not wait for its marker",
    file: log("commit"),
    find: 'if (change.op === "delete") await writeMarker(context, tag, seq, request, deadlineMs);',
    replace:
      'if (change.op === "delete") void writeMarker(context, tag, seq, request, deadlineMs)' +
      ".catch(() => undefined);",
    why: "F4: between the two the tag is deleted and listed, for ever if the writer dies",
  },
  {
    name: "markers are removed before the set is committed",
    file: log("commit"),
    find: "const sentAtMs = context.clock.now();",
    replace:
      'if (head.entry?.op === "delete") await removeMarkers(context, tag, seq, request); ' +
      "const sentAtMs = context.clock.now();",
    why: "F4: a set that loses leaves a deleted tag without its marker",
  },
  {
    name: "all markers are removed",
    file: log("markers"),
    find: "seq !== undefined && seq < below",
    replace: "seq !== undefined",
    why: "F4: the marker of a tombstone that comes after the set goes too",
  },
  {
    name: "a nonce for each try",
    file: log("tag-log"),
    find: "nonce: call.nonce ?? mintNonce()",
    replace: "nonce: mintNonce()",
    why: "F16: a write that is tried again is written twice",
  },
  {
    name: "a gap",
    file: log("commit"),
    find: "seq: seq + 1,",
    replace: "seq: seq + 2,",
    why: "SAFETY 10: whoever asks for the next sequence never sees what comes after a gap",
  },
  {
    name: "429 is taken for a lost race",
    file: log("put-entry"),
    find: "if (isDefinite(error) && !isOpen) throw error;",
    replace: 'if (isStoreError(error, "RATE_LIMITED")) return { isOurs: false, entry };',
    why: "F17: nobody won: the number is skipped, or the write is there twice",
  },
  {
    name: "no answer is taken for a lost race",
    file: log("put-entry"),
    find: "if (isDefinite(error) && !isOpen) throw error;",
    replace: 'if (isStoreError(error, "TIMEOUT")) return { isOurs: false, entry };',
    why: "F17, F16: the request may have come through, or may yet",
  },
  {
    name: "no answer is taken for success",
    file: log("put-entry"),
    find: "if (isDefinite(error) && !isOpen) throw error;",
    replace: "if (!isDefinite(error)) return { isOurs: true, entry };",
    why: "F15: what was acknowledged is not there",
  },
  {
    name: "no answer is taken for refusal",
    file: log("put-entry"),
    find: "throw indeterminate(context, entry, failure);",
    replace: "throw failure;",
    why: "F16, F1: the caller takes it for not written, and it is",
  },
  {
    name: "an entry of one's own is taken for another's",
    file: log("put-entry"),
    find: "isOurs: found.nonce === nonce",
    replace: "isOurs: false",
    why: "F16: after a lost answer the write conflicts with itself, or comes twice",
  },
  {
    name: "an entry of another's is taken for one's own",
    file: log("put-entry"),
    find: "isOurs: found.nonce === nonce",
    replace: "isOurs: true",
    why: "F16: two writers both believe to have won",
  },
  {
    name: "an entry is put without condition",
    file: log("put-entry"),
    find: "ifAbsent: true,",
    replace: "ifAbsent: false,",
    why: "F18: it replaces an entry that was acknowledged",
  },
  {
    name: "what is expected is held against memory alone",
    file: log("commit"),
    find: "if (refused !== undefined && isFresh) throw refused;",
    replace: "if (refused !== undefined) throw refused;",
    why: "F4: a write is refused by a head that is long past",
  },
  {
    name: "the winner of a lost race is taken for the newest",
    file: log("commit"),
    find: "isFresh ||= losses > 1;",
    replace: "isFresh = true;",
    why: "F4: a race that is lost from memory may have been lost long ago",
  },
  {
    name: "what is expected is not looked at again",
    file: log("commit"),
    find: "const refused = refusal(tag, change, options.expect, head.entry, bucket.name);",
    replace:
      "const refused = losses > 0 ? undefined : " +
      "refusal(tag, change, options.expect, head.entry, bucket.name);",
    why: "F18: a write comes after an entry that its caller does not know",
  },
  {
    name: "a nonce is not searched for",
    file: log("commit"),
    find: ": (options.base ?? Math.max(0, head.seq - limits.nonceSearchMax));",
    replace: ": head.seq;",
    why: "F16: a write that was stored at its first try is stored again",
  },
  {
    name: "a nonce is searched from one after the base",
    file: log("find-nonce"),
    find: "if (record.seq <= base) return undefined;",
    replace: "if (record.seq <= base + 1) return undefined;",
    why: "F16: the entry right after the base is where the first try went",
  },
  {
    name: "the memory goes back",
    file: log("heads"),
    find: "const isNewer = known === undefined || found.seq >= known.seq;",
    replace: "const isNewer = true;",
    why: "F4: an answer that comes late makes a reader forget",
  },
  {
    name: "memory is believed for ever",
    file: log("heads"),
    find: "nowMs - known.askedAtMs < maxAgeMs",
    replace: "nowMs >= known.askedAtMs",
    why: "F4: a reader never sees what others write",
  },
  {
    name: "a write counts as asked when it is answered",
    file: log("commit"),
    find: "put.isOurs ? sentAtMs : undefined",
    replace: "put.isOurs ? context.clock.now() : undefined",
    why: "F4: where the answer is slow, what memory has is older than is believed",
  },
  {
    name: "time goes back",
    file: log("commit"),
    find: "Math.max(earliestMs, now.getTime())",
    replace: "now.getTime()",
    why: "SAFETY 12: two clocks an hour apart make the past come later, and asOf wrong",
  },
  {
    name: "the chain names the entry before the one before",
    file: log("commit"),
    find: "sha256: before.sha256",
    replace: "sha256: before.prev?.sha256 ?? before.sha256",
    why: "SAFETY 20: a log that was tampered with can't be told",
  },
  {
    name: "the past leaves out the entry before",
    file: log("manifest"),
    find: "const recent = all.slice(0, count);",
    replace: "const recent = all.slice(1, count);",
    why: "SAFETY 20: history and the search for a nonce miss it",
  },
  {
    name: "a marker is believed",
    file: log("list"),
    find: 'return marked?.op === "delete" && (await read(marker + 1)) === undefined;',
    replace: 'return marked?.op === "delete";',
    why: "F4: a marker may outlive the deletion",
  },
  {
    name: "the oldest marker counts",
    file: log("list"),
    find: "if (marker.tag === tag) newest = marker.seq;",
    replace: "if (marker.tag === tag) newest ??= marker.seq;",
    why: "F4: one that was left behind hides that the tag was deleted again",
  },
  {
    name: "a tombstone counts as there",
    file: log("change"),
    find: 'if (expect === "absent") return !isLive(current);',
    replace: 'if (expect === "absent") return current === undefined;',
    why: "F4: a deleted tag can't be made anew",
  },
  {
    name: "a deleted tag can be deleted",
    file: log("change"),
    find: "if (change.needsLive && !isLive(current)) {",
    replace: "if (change.needsLive && current === undefined) {",
    why: "SAFETY 11: a tombstone comes after a tombstone",
  },
  {
    name: "an expected sequence may be passed",
    file: log("change"),
    find: "(current?.seq ?? 0) === expect",
    replace: "(current?.seq ?? 0) >= expect",
    why: "F18: the change of another is lost",
  },
  {
    name: "a watch skips",
    file: log("watch"),
    find: "entries.read(tag, after + 1, call)",
    replace: "entries.read(tag, after === 0 ? 1 : after + 2, call)",
    why: "SAFETY 20: whoever watches misses every second entry",
  },
  {
    name: "nothing gives up",
    file: log("calls"),
    find: "if (clock.now() + waitMs > endMs) return false;",
    replace: "if (waitMs < 0) return false;",
    why: "F29, F8: an outage holds its callers for ever",
  },
  {
    name: "a request may take for ever",
    file: log("calls"),
    find: "const cancel = clock.after(timeoutMs, () => {",
    replace: "const cancel = clock.after(timeoutMs * 1e6, () => {",
    why: "F8, F30: one that is never answered holds its caller",
  },
];

/**
 * Seeds that show the rarest of them. Tests begin there, since they run often; `npm run sim --
 * --mutants` begins at 0.
 */
export const tagFirstSeeds: Readonly<Record<string, number>> = {
  "no answer is taken for refusal": 1082,
  "all markers are removed": 1423,
  "a nonce is not searched for": 869,
  "a nonce is searched from one after the base": 1001,
  "the memory goes back": 5389,
  "a write counts as asked when it is answered": 7696,
};
