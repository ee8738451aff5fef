import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TagHead } from "../api/types.ts";
import { Annotations } from "../frame/annotations.tsx";
import { agoText } from "../frame/format.ts";
import { Refusal } from "../frame/refusal.tsx";
import { type EntryName, tagHref } from "../frame/route.ts";
import { Lookup } from "./lookup.tsx";

interface EntryLookupProps {
  readonly api: Api;
  readonly entry: EntryName;
}

/** Shows what one entry of a tag names, and what the tiers say of that. */
export function EntryLookup({ api, entry: { tag, seq } }: EntryLookupProps): JSX.Element {
  const [entry, setEntry] = useState<TagHead>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isOver = false;
    api.entry(tag, seq).then(
      (found) => {
        if (!isOver) setEntry(found);
      },
      (error: unknown) => {
        if (!isOver) setProblem(shown(error));
      },
    );
    return () => {
      isOver = true;
    };
  }, [api, tag, seq]);
  return (
    <section aria-label="What the entry names" aria-busy={entry === undefined && !problem}>
      <h2 class="tag-name result" tabIndex={-1}>
        Entry {seq} of {tag}
      </h2>
      <p>
        <a href={tagHref(tag)}>Its history</a>
      </p>
      {problem === undefined ? null : <Refusal problem={problem} />}
      {entry === undefined ? null : <Named api={api} entry={entry} />}
    </section>
  );
}

function Named({ api, entry }: { readonly api: Api; readonly entry: TagHead }): JSX.Element {
  const { tag, seq, time, actor, target, reason, annotations } = entry;
  return (
    <>
      <p>
        Written{" "}
        <time dateTime={time} title={time}>
          {agoText(time, Date.now())}
        </time>{" "}
        by {actor}
        {target === undefined ? "; it deleted the tag, and names nothing." : "; it names this:"}
      </p>
      {reason === undefined ? null : <q>{reason}</q>}
      {annotations === undefined ? null : <Annotations annotations={annotations} />}
      {target === undefined ? null : (
        <Lookup api={api} digest={target.digest} target={{ tag, seq, size: target.size }} />
      )}
    </>
  );
}
