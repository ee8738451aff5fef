import type { StoreDraft } from "./draft.ts";
import { canWrite } from "./choose-origin.ts";

/** A mistake of one tier, and the option that makes it. */
export interface TierMistake {
  readonly option: string;
  readonly message: string;
}

/** Finds what one tier says that contradicts itself. `readOnly` is what was decided of it. */
export function tierMistakes(draft: StoreDraft, readOnly: boolean): readonly TierMistake[] {
  const { options, location } = draft;
  const isCache = options.role === "cache";
  const isBounded = location.kind === "memory" || location.kind === "file";
  const mistakes: TierMistake[] = [];
  const check = (isWrong: boolean, option: string, message: string): void => {
    if (isWrong) mistakes.push({ option, message });
  };
  check(isCache && options.origin === true, "origin", "a cache can't be the origin; choose one");
  check(
    isCache && options.readOnly === true,
    "readOnly",
    "a cache is written; leave role out to read the tier only",
  );
  check(
    options.origin === true && options.readOnly === true,
    "readOnly",
    "the origin is written; leave readOnly out",
  );
  const needsPut = isCache || options.origin === true || options.readOnly === false;
  check(
    needsPut && !canWrite(draft),
    isCache ? "role" : options.origin === true ? "origin" : "readOnly",
    "an HTTP API is read only unless it says put=true",
  );
  check(
    options.heal === true && readOnly && options.readOnly !== true,
    "heal",
    "heal rewrites objects; the tier must be the origin, a cache or readOnly=false",
  );
  check(
    options.heal === true && options.readOnly === true,
    "heal",
    "heal rewrites objects, and the tier is readOnly=true; keep one",
  );
  check(
    options.bytesMax !== undefined && !isCache,
    "bytesMax",
    "bytesMax bounds a cache; say role=cache, or leave it out",
  );
  check(
    isCache && isBounded && (options.layout !== undefined || options.algorithm !== undefined),
    options.layout === undefined ? "algorithm" : "layout",
    "a cache in memory or on a disk holds every algorithm in its own layout; leave it out",
  );
  check(
    options.forbiddenMeans === "miss" && isCache,
    "forbiddenMeans",
    "a cache is ours, so a refusal there is never a miss; leave it out",
  );
  return mistakes;
}
