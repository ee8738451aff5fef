import type { Command } from "commander";
import { type JournalStatus, readJournalStatus } from "@bitstore/config";
import { StoreError } from "@bitstore/core";
import { errorRecord } from "../frame/error-record.ts";
import { escapeControls } from "../frame/escape-controls.ts";
import type { Frame, Invocation } from "../frame/frame.ts";
import { formatBytes, formatCount, formatMs } from "../frame/units.ts";
import { parseDuration } from "../input/parse-duration.ts";
import { showStatusLine } from "../output/status-line.ts";
import { readConfig } from "../store/open-store.ts";

interface DrainOptions {
  readonly timeout?: number;
}

const refreshMs = 500;

/** Declares `journal status` and `journal drain`. */
export function registerJournal(program: Command, frame: Frame): void {
  const journal = program
    .command("journal")
    .summary("look at blobs that are on their way to the origin")
    .description(
      "Looks after the journal of `ack: cache`: what was put is in it, durable on this machine, until " +
        "the origin has it. Whichever command opens the store goes on with the uploads for as long as " +
        "it runs; one process at a time does, and puts of the others go to the origin itself.",
    );
  journal
    .command("status")
    .summary("show what waits for its upload")
    .description(
      "Shows how much waits for its upload, and for how long. Uploads nothing. A blob whose file in " +
        "the journal went bad is listed as failed; what the origin refuses shows when it is tried: see " +
        "`journal drain`.",
    )
    .action(frame.action(status));
  journal
    .command("drain")
    .summary("bring everything to the origin now, and wait for that")
    .description(
      "Uploads what waits, and ends when nothing does. Failures that may pass are tried again until " +
        "they have. What the origin refuses for good is listed, stays in the journal, and makes it " +
        "exit with 7, as does the end of --timeout.",
    )
    .option("--timeout <time>", "give up after so long: 45s, 90m, 12h", parseDuration)
    .action(frame.action(drain));
}

async function status(invocation: Invocation): Promise<void> {
  const { journal } = await readConfig(invocation.settings, invocation.io);
  if (journal === undefined) throw noJournal();
  const found = await readJournalStatus(journal);
  const { pendingEntries, pendingBytes, oldestMs, failedEntries } = found;
  const { directory, bytesMax } = journal;
  const of = `${formatCount(pendingEntries, "blob")}, ${formatBytes(pendingBytes)}`;
  const age = oldestMs === undefined ? [] : [`oldest   ${formatMs(oldestMs)}`];
  await invocation.output.result(
    { directory, pendingEntries, pendingBytes, bytesMax, oldestMs, failedEntries },
    `pending  ${of} of ${formatBytes(bytesMax)}`,
    ...age,
    `failed   ${formatCount(failedEntries, "blob")}`,
    `where    ${escapeControls(directory)}`,
  );
  await listFailed(invocation, found);
}

async function drain(
  invocation: Invocation,
  _args: readonly string[],
  { timeout }: DrainOptions,
): Promise<void> {
  // The time runs from here, and when it is over nothing is waited for on the way out either.
  const over = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const { journal } = await invocation.openStore({ ...invocation.settings, hurry: over });
  if (journal === undefined) throw noJournal();
  const { output, signal, count } = invocation;
  let shown = await journal.status();
  const before = shown;
  using line = showStatusLine(invocation, () => {
    const { pendingEntries, pendingBytes, lastError } = shown;
    const why = lastError === undefined ? "" : `; last failure: ${lastError.detail}`;
    return `${formatCount(pendingEntries, "blob")}, ${formatBytes(pendingBytes)} to go${why}`;
  });
  const timer = setInterval(() => {
    journal.status().then(
      (now) => void (shown = now),
      () => undefined,
    );
  }, refreshMs);
  let failure: unknown;
  try {
    await journal.drain(over === undefined ? signal : AbortSignal.any([signal, over]));
  } catch (error) {
    failure = error;
  } finally {
    clearInterval(timer);
  }
  line.stop();
  if (signal.aborted) throw signal.reason;
  const after = await journal.status();
  await listFailed(invocation, after);
  const { pendingEntries, pendingBytes, failedEntries, lastError } = after;
  const record = { drained: before.pendingEntries, pendingEntries, pendingBytes, failedEntries };
  await output.result(record, `${formatCount(pendingEntries, "blob")} left in the journal`);
  if (over?.aborted === true && pendingEntries > 0) throw notDrained(lastError);
  if (failedEntries > 0) count("UNAVAILABLE");
  else if (failure !== undefined) throw failure;
}

/** Lists what nothing but a person can help. */
async function listFailed({ output }: Invocation, found: JournalStatus): Promise<void> {
  const { failedPermanently, failedEntries } = found;
  for (const { digest, size, error } of failedPermanently) {
    const record = { digest, size, status: "failed", error: errorRecord(error) };
    await output.result(record, `${digest}  failed  ${escapeControls(error.message)}`);
  }
  const more = failedEntries - failedPermanently.length;
  if (more > 0) output.note(`and ${formatCount(more, "blob")} more failed`);
}

function noJournal(): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "journal",
    message: "there is no journal: puts go to the origin; say ack: cache in the config to have one",
  });
}

function notDrained(cause: StoreError | undefined): StoreError {
  const why = cause === undefined ? "" : ` (${cause.detail})`;
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "drain",
    source: "journal",
    message: `the time is over, and not all has arrived${why}; it stays in the journal`,
    cause,
  });
}
