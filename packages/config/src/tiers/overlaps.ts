import { sep } from "node:path";
import type { Report } from "../file/problems.ts";
import { formatStoreLocation } from "../url/format-store-url.ts";
import type { StoreDraft } from "./draft.ts";

/**
 * Reports a cache that shares its place with another tier or with the metadata: it would evict what
 * is kept nowhere else. Stores that are no caches may share one, with other layouts or credentials.
 */
export function checkOverlaps(
  drafts: readonly StoreDraft[],
  names: readonly string[],
  metadata: StoreDraft | undefined,
  report: Report,
): void {
  const isCache = (draft: StoreDraft): boolean => draft.options.role === "cache";
  drafts.forEach((draft, index) => {
    for (const [other, before] of drafts.slice(0, index).entries()) {
      if ((!isCache(draft) && !isCache(before)) || !overlap(draft, before)) continue;
      const message = `is in the same place as tier ${names[other]}; a cache needs its own`;
      report({ ...draft.place("url"), message });
    }
    if (metadata === undefined || !isCache(draft) || !overlap(draft, metadata)) return;
    const message = `is in the same place as the metadata; a cache needs its own`;
    report({ ...draft.place("url"), message });
  });
}

function overlap(a: StoreDraft, b: StoreDraft): boolean {
  if (a.location.kind === "file" && b.location.kind === "file") {
    return contain(a.location.directory, b.location.directory);
  }
  if (a.location.kind === "memory" || a.location.kind === "http") return false;
  return (
    a.options.endpoint === b.options.endpoint &&
    formatStoreLocation(a.location) === formatStoreLocation(b.location)
  );
}

/** Whether one of two absolute directories is the other, or lies in it. */
export function contain(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  return long === short || long.startsWith(short.endsWith(sep) ? short : short + sep);
}
