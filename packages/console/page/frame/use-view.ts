import { useEffect, useRef } from "preact/hooks";
import { shortDigest } from "./format.ts";
import type { Route } from "./route.ts";

const titles = { tiers: "Tiers", blobs: "Blobs", tags: "Tags" } as const;

/**
 * Names the view in the window's title, and moves the focus to its heading whenever another view
 * came in place of one: what had the focus is gone then. A view that the page opens with, or that
 * lost what it looked up, takes no focus.
 */
export function useView(route: Route, session: number): void {
  const last = useRef<string>(undefined);
  const subject = subjectOf(route);
  const view = `${session} ${route.page} ${subject ?? ""}`;
  useEffect(() => {
    document.title = `${subject ?? titles[route.page]} · bitstore`;
    const before = last.current;
    last.current = view;
    if (before === undefined || before === view) return;
    if (subject === undefined && route.page === "blobs" && before.startsWith(`${session} blobs `)) {
      return;
    }
    const heading = (selector: string): HTMLElement | null => document.querySelector(selector);
    (heading("main .result") ?? heading("main h1"))?.focus();
  }, [route, view, subject, session]);
}

function subjectOf(route: Route): string | undefined {
  if (route.page === "tags") return route.tag;
  if (route.page === "tiers") return undefined;
  const { digest, entry } = route;
  if (entry !== undefined) return `@${entry.tag}@${entry.seq}`;
  return digest === undefined ? undefined : shortDigest(digest);
}
