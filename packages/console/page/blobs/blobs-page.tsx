import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { digestOf } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";
import { blobHref, tagHref } from "../frame/route.ts";
import { DropZone } from "./drop-zone.tsx";
import { Lookup } from "./lookup.tsx";

interface BlobsPageProps {
  readonly api: Api;
  readonly digest: string | undefined;
}

/** Takes files in, and tells where a digest is found. */
export function BlobsPage({ api, digest }: BlobsPageProps): JSX.Element {
  const [typed, setTyped] = useState(digest ?? "");
  const [problem, setProblem] = useState<string>();
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const tag = /^@([^@]+)/.exec(typed.trim())?.[1];
    if (tag !== undefined) {
      location.hash = tagHref(tag);
      return;
    }
    const parsed = digestOf(typed);
    if (parsed === undefined) {
      setProblem(
        "That is no digest: write algorithm:hex, the hex of a SHA-1, SHA-256 or SHA-512, or @tag.",
      );
      return;
    }
    setProblem(undefined);
    location.hash = blobHref(parsed);
  };
  return (
    <>
      <h1>Blobs</h1>
      <DropZone api={api} />
      <h2>Look up</h2>
      <form class="row" onSubmit={onSubmit}>
        <label class="wide">
          Digest, or @tag
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
    </>
  );
}
