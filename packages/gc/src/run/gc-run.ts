import type { MarkSet } from "../marks/mark-set.ts";
import type { GcSettings } from "./options.ts";
import type { Patience } from "./patience.ts";

/** What the phases of one run share. */
export interface GcRun {
  readonly id: string;
  readonly settings: GcSettings;
  readonly patience: Patience;
  readonly marks: MarkSet;
  /** Looks now and then whether to go on; resolves to false once a lease holds everything. */
  readonly mayGoOn: () => Promise<boolean>;
}
