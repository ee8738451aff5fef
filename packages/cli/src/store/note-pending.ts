import type { Invocation } from "../frame/frame.ts";
import { formatBytes, formatCount } from "../frame/units.ts";
import type { OpenedStore } from "./open-store.ts";

/** Tells what the journal has acknowledged and the origin does not have yet, if there is any. */
export async function notePending(
  { output }: Pick<Invocation, "output">,
  { journal }: Pick<OpenedStore, "journal">,
): Promise<void> {
  const status = await journal?.status();
  if (status === undefined || status.pendingEntries === 0) return;
  const pending = `${formatCount(status.pendingEntries, "blob")}, ${formatBytes(status.pendingBytes)}`;
  output.note(`${pending} in the journal, on the way to the origin; bitstore journal drain waits`);
}
