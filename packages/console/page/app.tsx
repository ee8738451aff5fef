import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "./api/create-api.ts";
import { BlobsPage } from "./blobs/blobs-page.tsx";
import { type Route, useRoute } from "./frame/route.ts";
import { TokenForm } from "./frame/token-form.tsx";
import { useView } from "./frame/use-view.ts";
import { TagPage } from "./tags/tag-page.tsx";
import { TagsPage } from "./tags/tags-page.tsx";
import { TiersPage } from "./tiers/tiers-page.tsx";

const pages = [
  { page: "tiers", title: "Tiers" },
  { page: "blobs", title: "Blobs" },
  { page: "tags", title: "Tags" },
] as const;

export function App({ api }: { readonly api: Api }): JSX.Element {
  const route = useRoute();
  // Another token sees another store: all that is shown is asked for anew.
  const [session, setSession] = useState(0);
  useView(route, session);
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <header>
        <span class="brand">bitstore</span>
        <nav aria-label="Pages">
          {pages.map(({ page, title }) => (
            <a
              key={page}
              href={`#/${page}`}
              aria-current={route.page === page ? "page" : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
        <TokenForm api={api} onChange={() => setSession((count) => count + 1)} />
      </header>
      <main id="content" tabIndex={-1}>
        <Page key={session} api={api} route={route} />
      </main>
    </>
  );
}

function Page({ api, route }: { readonly api: Api; readonly route: Route }): JSX.Element {
  if (route.page === "blobs")
    return <BlobsPage api={api} digest={route.digest} entry={route.entry} />;
  if (route.page === "tiers") return <TiersPage api={api} />;
  if (route.tag === undefined) return <TagsPage api={api} />;
  return <TagPage key={route.tag} api={api} tag={route.tag} />;
}

/** The fragment is the route here, so the link moves the focus itself. */
function skipToContent(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
