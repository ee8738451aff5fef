import type { Report } from "../file/problems.ts";
import type { StoreDraft } from "./draft.ts";

export interface OriginChoice {
  /** Index of the tier that puts go to. */
  readonly origin: number | undefined;
  /** Indexes of the tiers that it could be, where there are several and none was chosen. */
  readonly candidates: readonly number[];
}

/**
 * Chooses the tier that puts go to: the one that says `origin`; else the only one that says
 * `readOnly=false`; else, where none says so, the only one that could be written at all. Where
 * several could be and none was chosen there is none: reads work, a put says CONFIG_INVALID.
 */
export function chooseOrigin(drafts: readonly StoreDraft[], report: Report): OriginChoice {
  const indexes = [...drafts.keys()];
  const marked = indexes.filter((index) => drafts[index]?.options.origin === true);
  for (const index of marked.slice(1)) {
    const draft = drafts[index];
    if (draft === undefined) continue;
    report({
      ...draft.place("origin"),
      message: "another tier is the origin already; puts go to one",
    });
  }
  if (marked.length > 0) return { origin: marked[0], candidates: [] };
  const candidates = indexes.filter((index) => isCandidate(drafts[index]));
  const willing = candidates.filter((index) => drafts[index]?.options.readOnly === false);
  const possible = willing.length > 0 ? willing : candidates;
  if (possible.length > 1) return { origin: undefined, candidates: possible };
  return { origin: possible[0], candidates: [] };
}

/** Whether a tier's driver can write at all; an API takes puts only where it is said to. */
export function canWrite({ location, options }: StoreDraft): boolean {
  return location.kind !== "http" || options.put === true;
}

function isCandidate(draft: StoreDraft | undefined): boolean {
  if (draft === undefined || !canWrite(draft)) return false;
  const { role, origin, readOnly } = draft.options;
  return role !== "cache" && origin !== false && readOnly !== true;
}
