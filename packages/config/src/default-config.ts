import { join } from "node:path";
import type { StoreDraft } from "./tiers/draft.ts";

/** Folders of the embedded default, below the working directory. */
export interface DefaultFolders {
  readonly blobs: string;
  /** Where `bitstore init` puts a disk cache. The default has none: its only tier is a directory. */
  readonly cache: string;
  readonly metadata: string;
  /** Where puts are acknowledged with `ack: cache`; the default does not say that. */
  readonly journal: string;
}

export function defaultFolders(cwd: string): DefaultFolders {
  const folder = join(cwd, ".bitstore");
  return {
    blobs: join(folder, "blobs"),
    cache: join(folder, "cache"),
    metadata: join(folder, "metadata"),
    journal: join(folder, "journal"),
  };
}

/** The tiers of the embedded default: one directory, the origin. */
export function defaultTiers(cwd: string): readonly StoreDraft[] {
  return [draft(defaultFolders(cwd).blobs, "blobs", true)];
}

/** The metadata of the embedded default: a directory beside the blobs. */
export function defaultMetadata(cwd: string): StoreDraft {
  return draft(defaultFolders(cwd).metadata);
}

function draft(directory: string, name?: string, origin?: boolean): StoreDraft {
  return {
    location: { kind: "file", directory },
    options: {
      ...(name === undefined ? {} : { name }),
      ...(origin === undefined ? {} : { origin }),
    },
    credentials: [],
    create: true,
    place: () => ({ key: "the default" }),
  };
}
