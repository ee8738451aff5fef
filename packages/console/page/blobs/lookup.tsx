import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";
import { shown } from "../api/problem.ts";
import type { Explanation } from "../api/types.ts";
import { bytesText } from "../frame/format.ts";
import { Notice } from "../frame/notice.tsx";
import { Waterfall } from "./waterfall.tsx";

/** Above it a file goes through the command line: a page that sends a token holds it in memory. */
const downloadBytesMax = 256 * 2 ** 20;

interface LookupProps {
  readonly api: Api;
  readonly digest: string;
}

/** Asks every tier for a blob and shows what each said. */
export function Lookup({ api, digest }: LookupProps): JSX.Element {
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
      <h2 class="digest">{digest}</h2>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
      {found === undefined && problem === undefined ? <p>Asking the tiers…</p> : null}
      {found === undefined ? null : (
        <>
          <p>
            <Verdict found={found} />
          </p>
          <Waterfall attempts={found.attempts} />
          {found.outcome === "found" ? <Download api={api} found={found} /> : null}
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

function Download({ api, found }: { readonly api: Api; readonly found: Explanation }): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const path = `/v1/blobs/${encodeURIComponent(found.digest)}`;
  const name = found.digest.replace(":", "-");
  // A link can't carry a token.
  if (api.token.get() === "") {
    return (
      <a class="button" href={path} download={name}>
        Download
      </a>
    );
  }
  if (found.size === undefined || found.size > downloadBytesMax) {
    return (
      <p>
        Download it with <code>bitstore get {found.digest}</code>.
      </p>
    );
  }
  const save = async (): Promise<void> => {
    try {
      const url = URL.createObjectURL(await api.download(found.digest));
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      setProblem(shown(error));
    }
  };
  return (
    <>
      <button type="button" onClick={() => void save()}>
        Download
      </button>
      {problem === undefined ? null : <Notice>{problem}</Notice>}
    </>
  );
}
