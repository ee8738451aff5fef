import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Digest,
  formatCursor,
  isStoreError,
  parseCursor,
  type ScrubCursor,
  StoreError,
} from "@bitstore/core";
import type { Invocation } from "../frame/frame.ts";
import { systemCode, toStoreError } from "../frame/system-error.ts";
import { openTarget } from "../output/open-target.ts";

/** Where a run goes on, and the next one after it, in a file. */
export interface CursorFile {
  /** The last digest that is done; undefined at the start. */
  readonly after: Digest | undefined;
  /** Notes a digest that is done. It is written every second: a kill costs what was done in one. */
  note(digest: Digest): Promise<void>;
  /** Writes what was noted last; where the run came to the end, the next one starts over. */
  close(isAtEnd: boolean): Promise<void>;
}

const writeEveryMs = 1000;

/** Opens the cursor of a scrub; one that is not there yet is its start. */
export async function openCursorFile(
  path: string,
  scrub: Pick<ScrubCursor, "tiers" | "quick">,
  { io, temporaries }: Pick<Invocation, "io" | "temporaries">,
): Promise<CursorFile> {
  const file = resolve(io.cwd, path);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw toStoreError(error, "read", path);
  });
  let last: Digest | undefined;
  try {
    last = text === undefined ? undefined : parseCursor(text, scrub);
  } catch (error) {
    if (!isStoreError(error, "INVALID_ARGUMENT")) throw error;
    const { code, operation, detail: message } = error;
    throw new StoreError({ code, operation, subject: path, message });
  }
  const after = last;
  let writtenMs = performance.now();

  async function write(place: Digest | undefined): Promise<void> {
    await using target = await openTarget(file, temporaries);
    await target.write(Buffer.from(formatCursor({ ...scrub, after: place })));
    await target.commit();
    writtenMs = performance.now();
  }
  return {
    after,
    async note(digest) {
      last = digest;
      if (performance.now() - writtenMs >= writeEveryMs) await write(digest);
    },
    close: (isAtEnd) => write(isAtEnd ? undefined : last),
  };
}
