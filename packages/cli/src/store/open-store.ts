import { setMaxListeners } from "node:events";
import {
  type BitstoreConfig,
  loadConfig,
  openComposite,
  type OpenComposite,
  sharedProofs,
} from "@bitstore/config";
import { isStoreError } from "@bitstore/core";
import type { Io } from "../frame/io.ts";
import type { Settings } from "../frame/settings.ts";
import { hurriedClock } from "./hurried-clock.ts";
import { keptReceipts } from "./receipt-file.ts";

/** Which tiers a command works on. */
export interface StoreChoice extends Pick<Settings, "tiers" | "metadata" | "config"> {
  /** Once it aborts, closing the store waits for no upload any more. */
  readonly hurry?: AbortSignal | undefined;
}

/** A config and what it opened to. Disposing it waits for the fills. */
export interface OpenedStore extends OpenComposite {
  readonly config: BitstoreConfig;
}

/** Reads the config that a command line chooses. Rejects as `loadConfig` does. */
export async function readConfig(choice: StoreChoice, io: Io): Promise<BitstoreConfig> {
  const { tiers, metadata, config: file } = choice;
  return await loadConfig({ cwd: io.cwd, env: io.env, file, tiers, metadata });
}

/**
 * A command is done when its puts are acknowledged: uploads under way get this long, and the rest is
 * for the next process that opens the store.
 */
const journalLimits = { drainMs: 1000, cancelMs: 500 };

/** Aborts where a person wants the command to end; a reader of stdout that has gone only wants no more. */
function interrupted(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const onAbort = (): void => {
    if (isStoreError(signal.reason, "ABORTED")) controller.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return controller.signal;
}

/** Opens the store that a command line chooses; `signal` ends the wait for its fills. */
export async function openStore(
  choice: StoreChoice,
  io: Io,
  signal: AbortSignal,
): Promise<OpenedStore> {
  const config = await readConfig(choice, io);
  const { hurry } = choice;
  const ends = interrupted(signal);
  const clock = hurriedClock(hurry === undefined ? ends : AbortSignal.any([ends, hurry]));
  const options = { name: "store", clock, journalLimits };
  const kept = keptReceipts(io.env, Date.now);
  const proofs = sharedProofs(kept);
  return { config, ...(await openComposite(config, { env: io.env, proofs }, options)) };
}
