import type { TagEntry, TagRecord } from "@bitstore/core";
import { escapeControls } from "../frame/escape-controls.ts";

/** Says of an entry what it names and where it stands: `sha256:…  models/prod@7`, as `put` does. */
export function entryLine(entry: TagEntry): string {
  return `${entry.target?.digest ?? "deleted"}  ${entry.tag}@${entry.seq}`;
}

/** Columns of the longest operation, time and digest's beginning; an actor may be longer. */
const opColumns = "annotate".length;
const timeColumns = "2026-01-01T00:00:00.000Z".length;
const actorColumns = 12;
const digestColumns = "sha256:".length + 64;
const hexShown = 12;

/** Lays out records of a log one by one, as they come: no column waits for the rows to follow. */
export interface RecordTable {
  readonly title: string;
  row(record: TagRecord): string;
}

/** Makes the table of a log whose newest sequence is known; a narrow one shortens digests. */
export function recordTable(newestSeq: number, isNarrow: boolean): RecordTable {
  const seqColumns = Math.max("SEQ".length, String(newestSeq).length);
  const digestWidth = isNarrow ? "sha256:".length + hexShown + 1 : digestColumns;
  const line = (cells: readonly [string, string, string, string, string, string]): string => {
    const [seq, time, op, digest, actor, reason] = cells;
    return [
      seq.padStart(seqColumns),
      time.padEnd(timeColumns),
      op.padEnd(opColumns),
      digest.padEnd(digestWidth),
      actor.padEnd(actorColumns),
      reason,
    ]
      .join("  ")
      .trimEnd();
  };
  return {
    title: line(["SEQ", "TIME", "DID", "DIGEST", "ACTOR", "REASON"]),
    row({ seq, time, op, digest, actor, reason = "" }) {
      const named = isNarrow ? shortened(digest ?? "") : (digest ?? "");
      return line([String(seq), time, op, named, escapeControls(actor), escapeControls(reason)]);
    },
  };
}

/** Shows all of an entry, a field a line. */
export function entryLines(entry: TagEntry): readonly string[] {
  const { target, restored, annotations = {} } = entry;
  const fields: (readonly [string, string | undefined])[] = [
    ["tag", `${entry.tag}@${entry.seq}`],
    ["did", restored === undefined ? entry.op : `${entry.op} of sequence ${restored}`],
    ["digest", target?.digest],
    ["size", target?.size === undefined ? undefined : String(target.size)],
    ["media type", target?.mediaType],
    ...(target?.alsoKnownAs ?? []).map((digest) => ["also", digest] as const),
    ["time", entry.time],
    ["actor", entry.actor],
    ["client", entry.client],
    ["reason", entry.reason],
    ...Object.entries(annotations).map(
      ([key, value]) => ["annotation", `${key}=${value}`] as const,
    ),
    ["nonce", entry.nonce],
    ["sha256", entry.sha256],
  ];
  return fields.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd("annotation".length)}  ${escapeControls(value)}`],
  );
}

function shortened(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return hex.length > hexShown ? `${algorithm}:${hex.slice(0, hexShown)}…` : digest;
}
