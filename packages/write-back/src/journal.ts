import type { Digest, StoreError } from "@bitstore/core";
import type { FileLayer } from "./file-layer.ts";
import type { JournalFolder } from "./journal-folder.ts";
import type { LazySync } from "./lazy-sync.ts";
import type { PendingBlobs, PendingEntry } from "./pending.ts";
import type { Room } from "./room.ts";
import type { WriteBackSettings } from "./settings.ts";
import type { Turns } from "./turns.ts";

export interface RottenBlob {
  readonly error: StoreError;
  /** Its files in `rotten/`. */
  readonly paths: readonly string[];
}

/** What the parts of one open journal share. */
export interface Journal {
  readonly settings: WriteBackSettings;
  readonly files: FileLayer;
  readonly folder: JournalFolder;
  readonly pending: PendingBlobs;
  readonly room: Room;
  /** Whoever gives a blob its name or takes it away holds the digest's turn. */
  readonly turns: Turns;
  /** Entries whose uploads are under way, also those that have left what is pending meanwhile. */
  readonly uploading: Set<PendingEntry>;
  readonly removals: LazySync;
  /** Blobs whose files were set aside, until the right bytes are at the origin. */
  readonly rotten: Map<Digest, RottenBlob>;
  /** A name for a file that no other file has had. */
  readonly uniqueName: () => string;
}
