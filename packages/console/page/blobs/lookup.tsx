import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Api, blobPath, entryPath } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { Explanation } from "../api/types.ts";
import { bytesText } from "../frame/format.ts";
import { Refusal } from "../frame/refusal.tsx";
import type { EntryName } from "../frame/route.ts";
import { Download } from "./download.tsx";
import { Waterfall } from "./waterfall.tsx";

interface LookupProps {
  readonly api: Api;
  readonly digest: string;
  /** The entry of a tag that names it, where it was looked up by that. */
  readonly target?: Target;
}

interface Target extends EntryName {
  readonly size: number | undefined;
}

/** Asks every tier for a blob and shows what each said. */
export function Lookup({ api, digest, target }: LookupProps): JSX.Element {
  const [found, setFound] = useState<Explanation>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const controller = new AbortController();
    api.explain(digest, controller.signal).then(setFound, (error: unknown) => {
      if (!controller.signal.aborted) setProblem(shown(error));
    });
    return () => controller.abort();
  }, [api, digest]);
  return (
    <section aria-label="What the tiers say" aria-busy={found === undefined && !problem}>
      {target === undefined ? (
        <h2 class="digest result" tabIndex={-1}>
          {digest}
        </h2>
      ) : (
        <h3 class="digest">{digest}</h3>
      )}
      {problem === undefined ? null : <Refusal problem={problem} />}
      {problem === undefined || target === undefined ? null : (
        <Download
          api={api}
          digest={digest}
          path={entryPath(target.tag, target.seq)}
          size={target.size}
          name={`@${target.tag}@${target.seq}`}
        />
      )}
      {found === undefined && problem === undefined ? <p>Asking the tiers…</p> : null}
      {found === undefined ? null : (
        <>
          <p>
            <Verdict found={found} />
          </p>
          <Waterfall attempts={found.attempts} />
          {found.outcome === "found" ? (
            <Download
              api={api}
              digest={digest}
              path={blobPath(digest)}
              size={found.size}
              name={digest}
            />
          ) : null}
        </>
      )}
    </section>
  );
}

function Verdict({ found }: { readonly found: Explanation }): JSX.Element {
  const { outcome, tier, size } = found;
  if (outcome === "absent") return <>Every tier answered that it is not here.</>;
  if (outcome === "unavailable") {
    return <>No tier delivered it, and not every one could answer: it may exist.</>;
  }
  return (
    <>
      Found in <strong>{tier}</strong>
      {size === undefined ? null : `, ${bytesText(size)}`}, verified.
    </>
  );
}
