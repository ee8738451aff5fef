import type { CacheFolder } from "./cache-folder.ts";
import type { Departures } from "./departures.ts";
import type { HitNotes } from "./hit-notes.ts";
import type { IndexGuard } from "./index-guard.ts";
import type { Room } from "./room.ts";
import type { CacheSettings } from "./settings.ts";

/** What the operations of one open cache work with. */
export interface CacheParts {
  readonly settings: CacheSettings;
  readonly folder: CacheFolder;
  readonly guard: IndexGuard;
  readonly departures: Departures;
  readonly notes: HitNotes;
  readonly room: Room;
  /** Lets work go on by itself; disposing aborts it and waits, and its failure is nobody's. */
  readonly background: (work: (signal: AbortSignal) => Promise<unknown>) => Promise<void>;
}
