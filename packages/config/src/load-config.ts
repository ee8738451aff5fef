import { dirname, isAbsolute } from "node:path";
import { StoreError } from "@bitstore/core";
import { defaultMetadata, defaultTiers } from "./default-config.ts";
import type { Environment } from "./file/expand.ts";
import { type ConfigProblem, configError, type Report } from "./file/problems.ts";
import type { FileDrafts } from "./file/read-config-tree.ts";
import { findConfig, type FoundConfig } from "./find-config.ts";
import type { BitstoreConfig } from "./store-config.ts";
import {
  readMetadataArgument,
  readTierArgument,
  type TierArgument,
} from "./tiers/argument-drafts.ts";
import type { StoreDraft } from "./tiers/draft.ts";
import { checkOverlaps } from "./tiers/overlaps.ts";
import { resolveJournal } from "./tiers/resolve-journal.ts";
import { resolveMetadata } from "./tiers/resolve-metadata.ts";
import { resolveTiers } from "./tiers/resolve-tiers.ts";
import { ambientMessage, checkFoundStore, isAmbientVariable } from "./trust.ts";

export interface LoadConfigOptions {
  /** Working directory, absolute. */
  readonly cwd: string;
  readonly env: Environment;
  /** `--config FILE`. */
  readonly file?: string | undefined;
  /** `--tier` and `--cache`, in the order in which they are written. */
  readonly tiers?: readonly TierArgument[] | undefined;
  /** `--metadata URL`. */
  readonly metadata?: string | undefined;
}

/**
 * Resolves to the config that holds: what the command line says, else what the file says, else the
 * embedded default, where everything lives in `./.bitstore`. A `--tier` replaces the file's tiers;
 * `--cache` alone stands in front of them. The file's own metadata holds unless `--metadata` is
 * given; with tiers of one's own and none of the two there is none. So it is with the journal of
 * `ack: cache`, which a `--tier` goes without.
 *
 * @throws CONFIG_INVALID with every mistake at once, each with file, line, column and key (see
 * `configProblems`); INVALID_ARGUMENT where only arguments are wrong.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<BitstoreConfig> {
  const { cwd, env } = options;
  if (!isAbsolute(cwd)) {
    const message = "the working directory must be an absolute path";
    throw new StoreError({ code: "INVALID_ARGUMENT", operation: "configure", message });
  }
  const problems: ConfigProblem[] = [];
  const report: Report = (problem) => problems.push(problem);

  const found = await findConfig(cwd, env, options.file);
  const fromFile = found === undefined ? undefined : await readFound(found, cwd, env, report);
  const given = (options.tiers ?? []).map((argument) => ({
    kind: argument.kind,
    draft: readTierArgument(argument, cwd, report),
  }));
  const metadataGiven =
    options.metadata === undefined
      ? undefined
      : readMetadataArgument(options.metadata, cwd, report);
  if (problems.length > 0) throw configError(problems);

  const replaced = given.some(({ kind }) => kind === "tier");
  const rest = replaced ? [] : (fromFile?.tiers ?? defaultTiers(cwd));
  const drafts = [...given.flatMap(({ draft }) => draft ?? []), ...rest];
  const isDefault = !replaced && fromFile?.tiers === undefined;
  const metadata =
    metadataGiven ?? fromFile?.metadata ?? (isDefault ? defaultMetadata(cwd) : soleServer(drafts));

  const resolved = resolveTiers(drafts, report);
  const { tiers, originCandidates } = resolved;
  const names = tiers.map(({ name }) => name);
  checkOverlaps(drafts, names, metadata, report);
  const store = resolveMetadata(metadata, report);
  // What is pending is for the origin of the file, and for no other.
  const journalDraft = replaced ? undefined : fromFile?.journal;
  const journal = resolveJournal(journalDraft, resolved, drafts, metadata, report);
  if (problems.length > 0) throw configError(problems);
  const server = fromFile?.server ?? {};
  return { file: found?.file, tiers, originCandidates, metadata: store, journal, server };
}

async function readFound(
  found: FoundConfig,
  cwd: string,
  env: Environment,
  report: Report,
): Promise<FileDrafts | undefined> {
  // The parser and the schemas take longer to load than all the rest; many runs have no file.
  const { readConfigFile, shownFile } = await import("./file/read-config-file.ts");
  const { readConfigTree } = await import("./file/read-config-tree.ts");
  const shown = shownFile(found.file, cwd);
  const read = await readConfigFile(found, shown, env, report);
  if (read === undefined) return undefined;
  const folder = dirname(found.file);
  const drafts = readConfigTree(read, shown, folder, report);
  if (found.named !== "found") return drafts;
  for (const { name, place } of drafts.variables) {
    if (isAmbientVariable(name)) report({ ...place, message: ambientMessage(name) });
  }
  for (const draft of [...(drafts.tiers ?? []), ...(drafts.metadata ? [drafts.metadata] : [])]) {
    await checkFoundStore(draft, folder, report);
  }
  return drafts;
}

/** Another bitstore that is the only tier keeps the tags as well. */
function soleServer(drafts: readonly StoreDraft[]): StoreDraft | undefined {
  const [only, second] = drafts;
  if (second !== undefined || only?.location.kind !== "bitstore") return undefined;
  // What was said of it as a tier does not concern its tags.
  const { headers, timeoutMs, concurrencyMax } = only.options;
  return {
    ...only,
    options: {
      ...(headers === undefined ? {} : { headers }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(concurrencyMax === undefined ? {} : { concurrencyMax }),
    },
  };
}
