import type { Report } from "../file/problems.ts";
import type { StoreConfig } from "../store-config.ts";
import type { StoreDraft } from "./draft.ts";
import { isConnectionName, storeConfig } from "./resolve-tiers.ts";

/** Checks the store of the metadata: a bucket, and nothing said of it that only tiers have. */
export function resolveMetadata(
  draft: StoreDraft | undefined,
  report: Report,
): StoreConfig | undefined {
  if (draft === undefined) return undefined;
  if (draft.location.kind === "http") {
    report({
      ...draft.place("url"),
      message: "tags need a bucket; an HTTP API can't list or create",
    });
  }
  for (const name of Object.keys(draft.options)) {
    if (isConnectionName(name) && name !== "layout" && name !== "algorithm") continue;
    report({ ...draft.place(name), message: `${name} is an option of tiers, not of the metadata` });
  }
  return { ...storeConfig(draft), create: true };
}
