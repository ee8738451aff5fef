import { dirname } from "node:path";
import { type PutResult, throwIfAborted } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import type { PendingEntry } from "./pending.ts";
import { setAside, standingOf } from "./set-aside.ts";
import type { StagedBody } from "./stage-body.ts";

export interface Published {
  readonly outcome: PutResult["outcome"];
  /** The entry, where this put has made it. */
  readonly added: PendingEntry | undefined;
}

/**
 * Gives a staged file its blob's name and makes that durable: from then on the put may be
 * acknowledged. Where the name is taken the file there is read first, since an acknowledgement of
 * bytes that have gone bad would be one of nothing.
 */
export function publish(
  journal: Journal,
  staged: StagedBody,
  signal: AbortSignal,
): Promise<Published> {
  const { files, folder, pending, settings, turns } = journal;
  const { digest, size } = staged;
  const path = folder.pendingPath(digest);
  return turns.take(digest, async () => {
    throwIfAborted(signal, "put", digest);
    await folder.ensure(dirname(path));
    let outcome: PutResult["outcome"] = "created";
    for (;;) {
      try {
        await files.link(staged.path, path);
        break;
      } catch (error) {
        if (errnoOf(error) === "ENOENT") folder.forget();
        if (errnoOf(error) !== "EEXIST") throw error;
        const standing = await standingOf(journal, digest);
        if (standing === "right") {
          outcome = "existed";
          break;
        }
        if (standing === "rotten") await setAside(journal, digest);
      }
    }
    try {
      await folder.sync(dirname(path));
    } catch (error) {
      // Nothing was acknowledged, so nothing may stay; what was there before is somebody's.
      if (outcome === "created") await files.unlink(path).catch(() => undefined);
      throw error;
    }
    if (pending.get(digest) !== undefined) return { outcome, added: undefined };
    staged.reservation.commit(size);
    const added = pending.add(digest, size, settings.clock.now());
    return { outcome, added };
  });
}
