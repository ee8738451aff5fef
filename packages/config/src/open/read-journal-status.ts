import type { WriteBackStatus } from "@bitstore/write-back";
import type { JournalConfig } from "../store-config.ts";
import { importDriver } from "./import-driver.ts";

/** What a journal holds, and what nothing but a person can help. */
export type JournalStatus = WriteBackStatus;

/** Tells what the journal of a config holds, without opening it or asking the origin. */
export async function readJournalStatus({ directory }: JournalConfig): Promise<JournalStatus> {
  const { journalStatus } = await importDriver(
    "@bitstore/write-back",
    () => import("@bitstore/write-back"),
  );
  return await journalStatus(directory);
}
