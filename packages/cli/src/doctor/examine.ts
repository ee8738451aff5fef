import { randomUUID } from "node:crypto";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type BitstoreConfig,
  formatStoreLocation,
  openStore,
  type StoreConfig,
  type TierConfig,
} from "@bitstore/config";
import type { Role } from "@bitstore/core";
import { probeBucket, type ProbeResult, probeSource } from "@bitstore/doctor";
import { toStoreError } from "../frame/system-error.ts";
import type { Io } from "../frame/io.ts";
import { isBucket, openStoreFolder } from "../store/tier-bucket.ts";

/** What the doctor looks at: a tier, or the bucket of the metadata. */
export interface Patient {
  readonly name: string;
  readonly kind: Role | "metadata";
  /** Without credentials. */
  readonly location: string;
  /** Whether anything is written to it. */
  readonly mayWrite: boolean;
  readonly store: StoreConfig;
  readonly price: TierConfig["price"];
  /** The store that remembers the tier's directory. */
  readonly metadata: StoreConfig | undefined;
}

/** Lists the tiers of a config in their order, and the metadata. */
export function patientsOf({ tiers, metadata }: BitstoreConfig): readonly Patient[] {
  const keepsRoots = metadata?.location.kind === "bitstore" ? undefined : metadata;
  const patients: Patient[] = tiers.map(({ name, role, readOnly, store, price }) => ({
    name,
    kind: role,
    location: formatStoreLocation(store.location),
    mayWrite: !readOnly,
    store,
    price,
    metadata: role === "source" && !readOnly ? keepsRoots : undefined,
  }));
  // Another bitstore that keeps the tags probes its own bucket.
  if (metadata === undefined || metadata.location.kind === "bitstore") return patients;
  const location = formatStoreLocation(metadata.location);
  const own = { name: "metadata", kind: "metadata", location, mayWrite: true } as const;
  return [...patients, { ...own, store: metadata, price: undefined, metadata: undefined }];
}

export interface ExamineOptions {
  readonly io: Io;
  /** Whether to take the sample of throughput. */
  readonly throughput: boolean;
  readonly signal: AbortSignal;
}

/** Yields what each probe of one patient came to. Rejects only where the signal aborts. */
export async function* examine(
  patient: Patient,
  { io, throughput, signal }: ExamineOptions,
): AsyncGenerator<ProbeResult, void, void> {
  const { store, mayWrite, price } = patient;
  try {
    if (isBucket(store)) {
      // A directory that is to be a cache may hold a cache's own folders alone before it is one.
      const folder = isDiskCache(patient) ? "tmp/_doctor" : "_doctor";
      const nonce = randomUUID();
      // What is made at its first use is made now; a source that is not there may be mistyped.
      const create = patient.kind !== "source" || store.create === true;
      await using metadata = patient.metadata && (await openStoreFolder(patient.metadata, io));
      const remembered = { metadata, remembers: false };
      await using bucket = await openStoreFolder({ ...store, create }, io, remembered);
      try {
        yield* probeBucket(bucket, { mayWrite, throughput, prefix: `${folder}/`, nonce, signal });
      } finally {
        if (mayWrite) await removeFolders(store, folder, nonce);
      }
    } else {
      await using source = await openStore(store, { env: io.env });
      yield* probeSource(source, { price, signal });
    }
  } catch (error) {
    if (signal.aborted) throw error;
    yield unopened(error, patient.name);
  }
}

/** A directory keeps the folders of what was deleted from it; those of the probes go as well. */
async function removeFolders(
  { location }: StoreConfig,
  folder: string,
  nonce: string,
): Promise<void> {
  if (location.kind !== "file") return;
  const home = join(location.directory, folder);
  await rm(join(home, nonce), { recursive: true, force: true }).catch(() => undefined);
  // Another doctor may be at work beside this one.
  await rmdir(home).catch(() => undefined);
}

function isDiskCache({ kind, store }: Patient): boolean {
  return kind === "cache" && store.location.kind === "file";
}

/** What can't be opened can't be reached either. */
function unopened(thrown: unknown, name: string): ProbeResult {
  const { code, detail } = toStoreError(thrown, "open", name);
  return {
    name: "reachable",
    question: "does it answer?",
    outcome: "no",
    detail,
    meaning: "Nothing can be read or written here: correct its part of the config.",
    code,
    figures: {},
    elapsedMs: 0,
  };
}
