import type { JSX } from "preact";
import type { TagRecord } from "../api/types.ts";
import { DigestLink } from "../frame/digest-link.tsx";
import { agoText, bytesText } from "../frame/format.ts";

interface TimelineProps {
  readonly records: readonly TagRecord[];
  readonly onRollback: (record: TagRecord) => void;
}

const did = {
  set: "set",
  delete: "deleted",
  restore: "rolled back",
  annotate: "annotated",
} as const;

/** A tag's history, newest first. Nothing in it can be changed; a rollback adds to it. */
export function Timeline({ records, onRollback }: TimelineProps): JSX.Element {
  return (
    <ol class="timeline" reversed aria-label="History, newest first">
      {records.map((record, at) => (
        <li key={record.seq} value={record.seq} class={record.op}>
          <div class="when">
            <strong>{record.seq}</strong> {did[record.op]}{" "}
            <time dateTime={record.time} title={record.time}>
              {agoText(record.time, Date.now())}
            </time>{" "}
            by {record.actor}
            {at === 0 ? <span class="now">now</span> : null}
          </div>
          {record.digest === undefined ? null : (
            <div>
              <DigestLink digest={record.digest} />{" "}
              {record.size === undefined ? null : (
                <span class="size">{bytesText(record.size)}</span>
              )}
            </div>
          )}
          {record.reason === undefined ? null : <q>{record.reason}</q>}
          {at > 0 && record.digest !== undefined ? (
            <button type="button" class="quiet" onClick={() => onRollback(record)}>
              Roll back to {record.seq}
            </button>
          ) : null}
        </li>
      ))}
    </ol>
  );
}
