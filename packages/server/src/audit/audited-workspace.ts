import {
  type Bytes,
  type Composite,
  isStoreError,
  StoreError,
  type TagEntry,
  type TagLog,
} from "@bitstore/core";
import type { AuditLog } from "./audit-log.ts";
import type { AuditActor, AuditEvent, AuditOperation } from "./audit-record.ts";

type Facts = Partial<
  Pick<AuditEvent, "digest" | "size" | "tag" | "result" | "seq" | "sha256" | "reason">
>;

/**
 * Records what one caller changes in a store: the intent before anything can be seen of it, the outcome
 * before it is acknowledged. Where the log can't be written nothing is: a put whose intent is not stored
 * never ends, so nothing becomes visible. Where it fails between the two the write has happened and is
 * not acknowledged: the intent tells of it, and to do it again is safe.
 */
export function auditedStore(store: Composite, log: AuditLog, actor: AuditActor): Composite {
  return {
    ...store,
    async put(body, options = {}) {
      const facts = { digest: options.digest, size: options.size };
      const entry = begin(log, actor, "put", facts);
      // Bytes at hand go to a store in one piece, so there is no end to hold back.
      if (body instanceof Uint8Array) await entry.stored;
      const held = body instanceof Uint8Array ? body : untilStored(body, entry.stored);
      return await entry.end(
        () => store.put(held, options),
        ({ digest, size, outcome }) => ({ digest, size, result: outcome }),
      );
    },
    async delete(digest, options) {
      const entry = begin(log, actor, "delete", { digest });
      await entry.stored;
      return await entry.end(
        () => store.delete(digest, options),
        (was) => ({ digest, result: was ? "done" : "absent" }),
      );
    },
  };
}

/** Does the same for tags; the outcome of each has the sequence and the hash of the new head. */
export function auditedTags(tags: TagLog, log: AuditLog, actor: AuditActor): TagLog {
  async function move(
    operation: AuditOperation,
    facts: Facts,
    write: () => Promise<TagEntry>,
  ): Promise<TagEntry> {
    const entry = begin(log, actor, operation, facts);
    await entry.stored;
    let written: TagEntry | undefined;
    try {
      return await entry.end(
        async () => (written = await write()),
        ({ tag, seq, sha256, target }) => {
          return { tag, seq, sha256, digest: target?.digest, result: "done" };
        },
      );
    } catch (error) {
      if (written === undefined) throw error;
      throw unrecorded(written, error);
    }
  }
  return {
    ...tags,
    append: (tag, digest, options = {}) =>
      move("tag.set", { tag, digest, reason: options.reason }, () =>
        tags.append(tag, digest, options),
      ),
    annotate: (tag, annotations, options = {}) =>
      move("tag.annotate", { tag, reason: options.reason }, () =>
        tags.annotate(tag, annotations, options),
      ),
    remove: (tag, options = {}) =>
      move("tag.delete", { tag, reason: options.reason }, () => tags.remove(tag, options)),
    rollback: (tag, seq, options = {}) =>
      move("tag.rollback", { tag, seq, reason: options.reason }, () =>
        tags.rollback(tag, seq, options),
      ),
  };
}

interface Entry {
  /** Resolves once the intent is stored. */
  readonly stored: Promise<void>;
  /** Does it, and stores what came of it before it says so. */
  end<T>(work: () => Promise<T>, say: (result: T) => Facts): Promise<T>;
}

function begin(log: AuditLog, actor: AuditActor, operation: AuditOperation, facts: Facts): Entry {
  const id = log.mintId();
  const event = { ...actor, id, operation };
  const stored = log.append({ ...event, phase: "intent", ...facts });
  // It is awaited later, or by the end of a body that may never be read.
  stored.catch(() => undefined);
  return {
    stored,
    async end(work, say) {
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await work();
      } catch (error) {
        const code = isStoreError(error) ? error.code : "INTERNAL";
        const failed = { ...event, phase: "outcome", ...facts, result: code } as const;
        // Its own error is the answer, whether or not this can be written.
        await stored.then(() => log.append(failed)).catch(() => undefined);
        throw error;
      }
      await stored;
      await log.append({ ...event, phase: "outcome", ...say(result) });
      return result;
    },
  };
}

/** Holds the end of a body back until something is stored; a body without an end is never visible. */
function untilStored(body: () => Bytes, stored: Promise<void>): () => Bytes {
  return async function* (): AsyncGenerator<Uint8Array, void, void> {
    // The last chunk is kept too: with a known size it would be the end already.
    let held: Uint8Array | undefined;
    for await (const chunk of body()) {
      if (held !== undefined) yield held;
      held = chunk;
    }
    await stored;
    if (held !== undefined) yield held;
  };
}

/** Says of a tag that has moved, unrecorded, how to ask again without moving it twice. */
function unrecorded(entry: TagEntry, cause: unknown): StoreError {
  const error = new StoreError({
    code: "INDETERMINATE",
    operation: "audit",
    subject: entry.tag,
    message: "it was written, but the audit log could not be; try again with the same nonce",
    cause,
  });
  return Object.assign(error, { retry: { nonce: entry.nonce, base: entry.seq - 1 } });
}
