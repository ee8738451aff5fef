import type { Report } from "../file/problems.ts";
import { showText } from "../show-text.ts";
import type { StoreConfig, TierConfig } from "../store-config.ts";
import type { ConnectionOptions, StoreOptions } from "../url/store-url.ts";
import { chooseOrigin } from "./choose-origin.ts";
import type { StoreDraft } from "./draft.ts";
import { tierMistakes } from "./tier-checks.ts";
import { nameTiers } from "./tier-names.ts";

/** A quarter of a gibibyte: enough for the hot few, small beside a server's memory. */
const memoryCacheBytesMax: number = 256 * 2 ** 20;
/** Ten gibibytes: a laptop's disk has them. */
export const diskCacheBytesMax: number = 10 * 2 ** 30;

/** Tiers with everything decided, but for the origin where nobody chose one of several. */
export interface ResolvedTiers {
  readonly tiers: readonly TierConfig[];
  readonly originCandidates: readonly string[];
}

/** Decides what the tiers leave open, and reports what contradicts itself or each other. */
export function resolveTiers(drafts: readonly StoreDraft[], report: Report): ResolvedTiers {
  const names = nameTiers(drafts, report);
  const choice = chooseOrigin(drafts, report);
  const tiers = drafts.map((draft, index): TierConfig => {
    const { options } = draft;
    const role = options.role ?? "source";
    const origin = index === choice.origin && role === "source";
    const readOnly = options.readOnly ?? !(origin || role === "cache");
    for (const { option, message } of tierMistakes(draft, readOnly)) {
      report({ ...draft.place(option), message });
    }
    return {
      name: names[index] ?? "",
      store: storeConfig(draft),
      role,
      origin,
      readOnly,
      heal: options.heal ?? role === "cache",
      hedge: options.hedge ?? hedgesByDefault(draft),
      fill: resolveFill(drafts, names, index, report),
      onFailure: options.onFailure ?? "next",
      forbiddenMeans: options.forbiddenMeans ?? "denied",
      canary: options.canary,
      negativeTtlMs: options.negativeTtlMs,
      price: options.price,
      bytesMax: role === "cache" ? cacheBytesMax(draft) : undefined,
    };
  });
  return { tiers, originCandidates: choice.candidates.map((index) => names[index] ?? "") };
}

/** A second request for the slowest reads is sent where requests cost next to nothing. */
function hedgesByDefault({ location, options }: StoreDraft): boolean {
  const isCloud = location.kind === "s3" || location.kind === "gs" || location.kind === "az";
  return isCloud && options.price === undefined;
}

/** Keeps of a draft what opening its store takes. */
export function storeConfig({ location, options, credentials, create }: StoreDraft): StoreConfig {
  const connection = connectionOf(options);
  const makes = create === true || options.origin === true;
  return { location, connection, credentials, ...(makes ? { create: true } : {}) };
}

const connectionNames: Readonly<Record<keyof ConnectionOptions, true>> = {
  layout: true,
  algorithm: true,
  endpoint: true,
  region: true,
  pathStyle: true,
  anonymous: true,
  profile: true,
  account: true,
  partBytes: true,
  storageClass: true,
  requesterPays: true,
  userProject: true,
  serverSideEncryption: true,
  sseKmsKeyId: true,
  kmsKeyName: true,
  encryptionScope: true,
  head: true,
  rangeRead: true,
  put: true,
  headers: true,
  timeoutMs: true,
  concurrencyMax: true,
  requestsPerSecondMax: true,
};

export function isConnectionName(name: string): name is keyof ConnectionOptions {
  return Object.hasOwn(connectionNames, name);
}

function connectionOf(options: StoreOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => isConnectionName(name)));
}

function cacheBytesMax({ location, options }: StoreDraft): number | undefined {
  if (location.kind === "memory") return options.bytesMax ?? memoryCacheBytesMax;
  return location.kind === "file" ? (options.bytesMax ?? diskCacheBytesMax) : undefined;
}

/** Left out, every cache tier before this one, the nearest first. */
function resolveFill(
  drafts: readonly StoreDraft[],
  names: readonly string[],
  index: number,
  report: Report,
): readonly string[] {
  const caches = names.slice(0, index).filter((_, at) => drafts[at]?.options.role === "cache");
  const draft = drafts[index];
  const said = draft?.options.fill;
  if (draft === undefined || said === undefined) return caches.toReversed();
  said.forEach((name, entry) => {
    const problem = fillProblem(name, said.indexOf(name) < entry, names, index, caches);
    if (problem !== undefined) report({ ...draft.place("fill", entry), message: problem });
  });
  return said;
}

function fillProblem(
  name: string,
  isRepeated: boolean,
  names: readonly string[],
  index: number,
  caches: readonly string[],
): string | undefined {
  if (isRepeated) return `names ${showText(name)} twice; keep one`;
  if (caches.includes(name)) return undefined;
  const at = names.indexOf(name);
  if (at === index) return "a tier can't fill itself";
  if (at > index) return `tier ${name} stands behind this one; a hit here can't fill it`;
  if (at >= 0) return `tier ${name} is no cache; give it role: cache, or leave it out here`;
  const known = caches.length === 0 ? "there is none" : `they are ${caches.join(", ")}`;
  return `${showText(name)} is no cache tier before this one; ${known}`;
}
