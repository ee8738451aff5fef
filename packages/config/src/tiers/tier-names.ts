import { basename } from "node:path";
import type { Report } from "../file/problems.ts";
import { showText } from "../show-text.ts";
import type { StoreLocation } from "../url/store-url.ts";
import type { StoreDraft } from "./draft.ts";

/**
 * Names the tiers: as they say, or after where they are, with a number where that is taken. A name
 * that two tiers say is reported.
 */
export function nameTiers(drafts: readonly StoreDraft[], report: Report): readonly string[] {
  const taken = new Set<string>();
  for (const draft of drafts) {
    const { name } = draft.options;
    if (name === undefined) continue;
    if (taken.has(name)) {
      report({
        ...draft.place("name"),
        message: `another tier is named ${showText(name)} already`,
      });
    }
    taken.add(name);
  }
  return drafts.map(({ options, location }) => {
    if (options.name !== undefined) return options.name;
    const wanted = derivedName(location);
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted}-${count}`;
    taken.add(name);
    return name;
  });
}

/** Says in a word where a store is: `s3-models`, `api.example.com`, `cache`. */
function derivedName(location: StoreLocation): string {
  switch (location.kind) {
    case "s3":
    case "gs":
      return clean(`${location.kind}-${location.bucket}`);
    case "az":
      return clean(`az-${location.container}`);
    case "file":
      return clean(basename(location.directory));
    case "memory":
      return "memory";
    case "http":
      return clean(URL.parse(location.template.replace(/[?{].*$/s, ""))?.host ?? "api");
    case "bitstore":
      break;
  }
  return clean(URL.parse(location.base)?.host ?? "bitstore");
}

/** Leaves what a tier name may hold, with room for a number. */
function clean(text: string): string {
  const name = text.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60);
  return name.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "") || "tier";
}
