import type { JSX } from "preact";
import { Notice } from "./notice.tsx";

/** What the server refused, in its words; who is confined to tags is told what is open to them. */
export function Refusal({ problem }: { readonly problem: string }): JSX.Element {
  return (
    <Notice>
      {problem}
      {problem.includes("confined to tags,") ? (
        <>
          . What a tag of yours names can be had: look up <code>@TAG</code> or <code>@TAG@SEQ</code>{" "}
          under <a href="#/blobs">Blobs</a>.
        </>
      ) : null}
    </Notice>
  );
}
