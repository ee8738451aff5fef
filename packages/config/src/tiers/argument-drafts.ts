import type { Report } from "../file/problems.ts";
import { settleStore, readStoreUrl } from "../url/parse-store-url.ts";
import { redactUrl } from "../url/redact-url.ts";
import type { StoreUrl } from "../url/store-url.ts";
import { type Parsed, ok, wrong } from "../result.ts";
import type { StoreDraft } from "./draft.ts";

/** One `--tier URL` or `--cache URL` of the command line. */
export interface TierArgument {
  readonly kind: "tier" | "cache";
  readonly url: string;
}

/** Reads a tier from the command line; a mistake is reported, and nothing returned. */
export function readTierArgument(
  { kind, url }: TierArgument,
  cwd: string,
  report: Report,
): StoreDraft | undefined {
  return readArgument(`--${kind}`, url, cwd, report, (store) => {
    if (kind === "tier") return ok(store);
    if (store.options.role === "source")
      return wrong("--cache makes a cache of it; leave role out");
    return ok({ ...store, options: { ...store.options, role: "cache" } });
  });
}

/** Reads `--metadata URL`. */
export function readMetadataArgument(
  url: string,
  cwd: string,
  report: Report,
): StoreDraft | undefined {
  return readArgument("--metadata", url, cwd, report, ok);
}

function readArgument(
  flag: string,
  url: string,
  cwd: string,
  report: Report,
  adapt: (store: StoreUrl) => Parsed<StoreUrl>,
): StoreDraft | undefined {
  const place = { key: `${flag} ${redactUrl(url)}` };
  const read = readStoreUrl(url, cwd);
  const adapted = "problem" in read ? read : adapt(read.value);
  const settled = "problem" in adapted ? adapted : settleStore(adapted.value);
  if ("value" in settled) return { ...settled.value, credentials: [], place: () => place };
  report({ ...place, message: settled.problem });
  return undefined;
}
