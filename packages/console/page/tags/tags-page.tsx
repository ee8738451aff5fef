import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { TagHead, TagPage } from "../api/types.ts";
import { DataTable } from "../frame/data-table.tsx";
import { DigestLink } from "../frame/digest-link.tsx";
import { agoText, bytesText, digestOf } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";
import { Refusal } from "../frame/refusal.tsx";
import { tagHref } from "../frame/route.ts";

/** The names, a page at a time, and a form for a new one. */
export function TagsPage({ api }: { readonly api: Api }): JSX.Element {
  const [prefix, setPrefix] = useState("");
  const [heads, setHeads] = useState<readonly TagHead[]>([]);
  const [next, setNext] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isAsked, setIsAsked] = useState(false);

  useEffect(() => {
    let isOver = false;
    // What is typed is asked for once the typing stops.
    const timer = setTimeout(() => {
      api
        .tags(prefix, undefined)
        .then((page) => {
          if (isOver) return;
          setHeads(headsOf(page));
          setNext(page.next);
          setProblem(undefined);
          setIsAsked(true);
        })
        .catch((error: unknown) => {
          if (!isOver) setProblem(shown(error));
        });
    }, 200);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api, prefix]);

  const more = async (): Promise<void> => {
    try {
      const page = await api.tags(prefix, next);
      setHeads((all) => [...all, ...headsOf(page)]);
      setNext(page.next);
    } catch (error) {
      setProblem(shown(error));
    }
  };

  return (
    <>
      <h1 tabIndex={-1}>Tags</h1>
      <label>
        Names that start with
        <input
          value={prefix}
          onInput={(event) => setPrefix(event.currentTarget.value)}
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      {problem === undefined ? null : <Refusal problem={problem} />}
      {heads.length > 0 ? <TagTable heads={heads} /> : null}
      {isAsked && heads.length === 0 ? <p>No tags{prefix === "" ? " yet" : " with it"}.</p> : null}
      {next !== undefined ? (
        <button type="button" onClick={() => void more()}>
          More
        </button>
      ) : null}
      <NewTag api={api} />
    </>
  );
}

function headsOf({ heads }: TagPage): readonly TagHead[] {
  return heads.filter((head) => head !== null);
}

const columns = [
  { label: "Tag" },
  { label: "Blob" },
  { label: "Size", class: "number" },
  { label: "Sequence", class: "number" },
  { label: "Set" },
  { label: "By", class: "name" },
];

function TagTable({ heads }: { readonly heads: readonly TagHead[] }): JSX.Element {
  const rows = heads.map(({ tag, target, seq, time, actor }) => ({
    key: tag,
    cells: [
      <a href={tagHref(tag)}>{tag}</a>,
      target === undefined ? "deleted" : <DigestLink digest={target.digest} />,
      target?.size === undefined ? "–" : bytesText(target.size),
      seq,
      <time dateTime={time} title={time}>
        {agoText(time, Date.now())}
      </time>,
      actor,
    ],
  }));
  return <DataTable columns={columns} rows={rows} />;
}

function NewTag({ api }: { readonly api: Api }): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const data = new FormData(form);
    const field = (name: string): string => {
      const value = data.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const digest = digestOf(field("digest"));
    if (digest === undefined) {
      setProblem("That is no digest.");
      return;
    }
    api.setTag(field("tag"), digest, "absent", field("reason")).then(
      ({ tag }) => {
        location.hash = tagHref(tag);
      },
      (error: unknown) => setProblem(shown(error)),
    );
  };
  return (
    <section aria-label="New tag">
      <h2>New tag</h2>
      <form class="row" onSubmit={onSubmit}>
        <label>
          Name
          <input name="tag" maxLength={255} autocomplete="off" spellcheck={false} required />
        </label>
        <label class="wide">
          Digest
          <input name="digest" autocomplete="off" spellcheck={false} required />
        </label>
        <label>
          Reason
          <input name="reason" maxLength={1024} />
        </label>
        <button type="submit">Set</button>
      </form>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
    </section>
  );
}
