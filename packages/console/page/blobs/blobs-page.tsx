import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { digestOf } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";
import { blobHref, type EntryName, entryHref, entryOf, tagHref } from "../frame/route.ts";
import { DropZone } from "./drop-zone.tsx";
import { EntryLookup } from "./entry-lookup.tsx";
import { Lookup } from "./lookup.tsx";

interface BlobsPageProps {
  readonly api: Api;
  readonly digest: string | undefined;
  readonly entry: EntryName | undefined;
}

/** Takes files in, and tells where a digest is found. */
export function BlobsPage({ api, digest, entry }: BlobsPageProps): JSX.Element {
  const asked = entry === undefined ? digest : `@${entry.tag}@${entry.seq}`;
  const [typed, setTyped] = useState(asked ?? "");
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (asked === undefined) return;
    setTyped(asked);
    setProblem(undefined);
  }, [asked]);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const href = hrefOf(typed.trim());
    setProblem(
      href === undefined
        ? "That is no digest: write algorithm:hex, the hex of a SHA-1, SHA-256 or SHA-512, @tag, " +
            "or @tag@sequence."
        : undefined,
    );
    // An address that kept naming what was looked up before would lead whoever copies it astray.
    location.hash = href ?? "#/blobs";
  };
  return (
    <>
      <h1 tabIndex={-1}>Blobs</h1>
      <DropZone api={api} />
      <h2>Look up</h2>
      <form class="row" onSubmit={onSubmit}>
        <label class="wide">
          Digest, @tag or @tag@sequence
          <input
            name="digest"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            placeholder="sha256:…"
            autocomplete="off"
            spellcheck={false}
            required
          />
        </label>
        <button type="submit">Explain</button>
      </form>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
      {digest === undefined || problem !== undefined ? null : (
        <Lookup key={digest} api={api} digest={digest} />
      )}
      {entry === undefined || problem !== undefined ? null : (
        <EntryLookup key={asked} api={api} entry={entry} />
      )}
    </>
  );
}

function hrefOf(text: string): string | undefined {
  const entry = entryOf(text);
  if (entry !== undefined) return entryHref(entry);
  const tag = /^@([^@]+)$/.exec(text)?.[1];
  if (tag !== undefined) return tagHref(tag);
  const digest = digestOf(text);
  return digest === undefined ? undefined : blobHref(digest);
}
