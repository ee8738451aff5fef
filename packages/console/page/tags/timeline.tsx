import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TagRecord } from "../api/types.ts";
import { Annotations } from "../frame/annotations.tsx";
import { DigestLink } from "../frame/digest-link.tsx";
import { agoText, bytesText } from "../frame/format.ts";

interface TimelineProps {
  readonly api: Api;
  readonly tag: string;
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
export function Timeline({ api, tag, records, onRollback }: TimelineProps): JSX.Element {
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
              <DigestLink digest={record.digest} entry={{ tag, seq: record.seq }} />{" "}
              {record.size === undefined ? null : (
                <span class="size">{bytesText(record.size)}</span>
              )}
            </div>
          )}
          {record.reason === undefined ? null : <q>{record.reason}</q>}
          <SaidOf api={api} tag={tag} record={record} />
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

interface SaidOfProps {
  readonly api: Api;
  readonly tag: string;
  readonly record: TagRecord;
}

/** The annotations of an entry. The history has none, so an entry that made some is read itself. */
function SaidOf({ api, tag, record }: SaidOfProps): JSX.Element | null {
  const { seq, op } = record;
  const [annotations, setAnnotations] = useState(record.annotations);
  const [problem, setProblem] = useState<string>();
  const isWanted = op === "annotate" && annotations === undefined;
  useEffect(() => {
    if (!isWanted) return undefined;
    let isOver = false;
    api.entry(tag, seq).then(
      (entry) => {
        if (!isOver) setAnnotations(entry.annotations ?? {});
      },
      (error: unknown) => {
        if (!isOver) setProblem(shown(error));
      },
    );
    return () => {
      isOver = true;
    };
  }, [api, tag, seq, isWanted]);
  if (problem !== undefined) return <span class="details">{problem}</span>;
  return annotations === undefined ? null : <Annotations annotations={annotations} />;
}
