import { resolve } from "node:path";
import { onDisk } from "./disk-error.ts";
import { journalFolder } from "./journal-folder.ts";
import { nodeFiles } from "./node-files.ts";
import { writeBackLimitsDefault } from "./settings.ts";
import { statusOnDisk, type WriteBackStatus } from "./status.ts";

/**
 * Tells what the files of a journal say, without opening it: nothing is uploaded, and whoever owns the
 * directory is not disturbed. One that is not there holds nothing. Refusals by the origin are in no
 * file, so that only blobs whose files went bad are listed as failed.
 */
export async function journalStatus(directory: string): Promise<WriteBackStatus> {
  const name = "journal";
  const folder = journalFolder(resolve(directory), nodeFiles);
  const settings = { name, limits: writeBackLimitsDefault, date: Date.now };
  return await onDisk({ operation: "status", source: name }, () =>
    statusOnDisk({ folder, files: nodeFiles, settings }),
  );
}
