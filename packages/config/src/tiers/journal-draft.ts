import type { ConfigPlace } from "../file/problems.ts";
import type { JournalConfig } from "../store-config.ts";

/** A journal as a file says it, before its place among the tiers is known. */
export interface JournalDraft extends JournalConfig {
  /** Where a key of it was written, or else `ack`. */
  readonly place: (key?: string) => ConfigPlace;
}
