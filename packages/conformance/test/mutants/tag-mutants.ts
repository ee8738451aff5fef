import {
  isStoreError,
  StoreError,
  type TagEntry,
  type TagLog,
  type TagRecord,
  type TagWriteOptions,
} from "@bitstore/core";

// Tag logs with one mistake each, as wrappers over the right one.

export type MutateTags = (inner: TagLog) => Partial<TagLog>;

const strip = <T extends TagWriteOptions>(options: T | undefined, ...names: (keyof T)[]): T => {
  const left: Record<string, unknown> = { ...options };
  for (const name of names) delete left[String(name)];
  return left as unknown as T;
};

/** Gives every method that takes a tag another name of it. */
function renamed(inner: TagLog, rename: (tag: string) => string): Partial<TagLog> {
  return {
    head: (tag, options) => inner.head(rename(tag), options),
    get: (tag, seq, options) => inner.get(rename(tag), seq, options),
    asOf: (tag, time, options) => inner.asOf(rename(tag), time, options),
    append: (tag, digest, options) => inner.append(rename(tag), digest, options),
    annotate: (tag, words, options) => inner.annotate(rename(tag), words, options),
    remove: (tag, options) => inner.remove(rename(tag), options),
    rollback: (tag, seq, options) => inner.rollback(rename(tag), seq, options),
    history: (tag, options) => inner.history(rename(tag), options),
    watch: (tag, options) => inner.watch(rename(tag), options),
    verify: (tag, options) => inner.verify(rename(tag), options),
  };
}

/** Changes the options of every write. */
function rewritten(
  inner: TagLog,
  change: <T extends TagWriteOptions>(options: T | undefined) => T,
): Partial<TagLog> {
  return {
    append: (tag, digest, options) => inner.append(tag, digest, change(options)),
    annotate: (tag, words, options) => inner.annotate(tag, words, change(options)),
    remove: (tag, options) => inner.remove(tag, change(options)),
    rollback: (tag, seq, options) => inner.rollback(tag, seq, change(options)),
  };
}

/** Changes every entry that is handed out alone. */
function reported(inner: TagLog, change: (entry: TagEntry) => TagEntry): Partial<TagLog> {
  const changed = (entry: TagEntry | undefined): TagEntry | undefined =>
    entry === undefined ? undefined : change(entry);
  return {
    head: async (tag, options) => changed(await inner.head(tag, options)),
    get: async (tag, seq, options) => changed(await inner.get(tag, seq, options)),
    asOf: async (tag, time, options) => changed(await inner.asOf(tag, time, options)),
    append: async (tag, digest, options) => change(await inner.append(tag, digest, options)),
    annotate: async (tag, words, options) => change(await inner.annotate(tag, words, options)),
    remove: async (tag, options) => change(await inner.remove(tag, options)),
    rollback: async (tag, seq, options) => change(await inner.rollback(tag, seq, options)),
  };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Mistakes with names and with what is expected. */
export const namingMutants: Readonly<Record<string, MutateTags>> = {
  "ignores case": (inner) => renamed(inner, (tag) => tag.toLowerCase()),
  "drops dots at the end of names": (inner) => renamed(inner, (tag) => tag.replace(/\.+$/, "")),
  "decodes names": (inner) => renamed(inner, (tag) => tag.replaceAll("%2f", "/")),
  "trims names": (inner) => renamed(inner, (tag) => tag.trim()),
  "cuts names that are too long": (inner) => renamed(inner, (tag) => tag.slice(0, 80)),
  "ignores expect": (inner) => rewritten(inner, (options) => strip(options, "expect")),
  "takes a deleted tag for one that is there": (inner) => ({
    append: async (tag, digest, options) => {
      if (options?.expect === "absent" && options.nonce === undefined) {
        const current = await inner.head(tag);
        if (current?.op === "delete") throw conflict(tag, current);
      }
      return inner.append(tag, digest, options);
    },
  }),
  "looks before it writes, and does not compare": (inner) => ({
    append: async (tag, digest, options) => {
      const { expect } = options ?? {};
      if (expect !== "absent" || options?.nonce !== undefined) {
        return inner.append(tag, digest, options);
      }
      const current = await inner.head(tag);
      if (current?.target !== undefined) throw conflict(tag, current);
      return inner.append(tag, digest, strip(options, "expect"));
    },
  }),
  "does not say what a refused write met": (inner) => ({
    append: (tag, digest, options) =>
      inner.append(tag, digest, options).catch((error: unknown) => {
        if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
        throw new StoreError({ code: error.code, operation: "set", message: "something else" });
      }),
  }),
  "tags what is not at the origin": (inner) => ({
    append: (tag, digest, options) => inner.append(tag, digest, { ...options, force: true }),
  }),
  "does not heed force": (inner) => ({
    append: (tag, digest, options) => inner.append(tag, digest, { ...options, force: undefined }),
  }),
};

function conflict(tag: string, current: TagEntry): StoreError {
  const message = "it is there";
  const code = "PRECONDITION_FAILED";
  return Object.assign(new StoreError({ code, operation: "set", subject: tag, message }), {
    current,
  });
}

/** Mistakes with nonces, limits, aborts and the kinds of writes. */
export const writingMutants: Readonly<Record<string, MutateTags>> = {
  "mints a nonce for each try": (inner) =>
    rewritten(inner, (options) => strip(options, "nonce", "base")),
  "searches the newest entry alone for a nonce": (inner) => ({
    append: async (tag, digest, options) => {
      const current = await inner.head(tag, { signal: options?.signal });
      if (options?.nonce === undefined || current?.nonce === options.nonce) {
        return inner.append(tag, digest, options);
      }
      return inner.append(tag, digest, { ...options, base: current?.seq ?? 0 });
    },
  }),
  "conflicts with itself": (inner) => ({
    append: async (tag, digest, options) => {
      const current = await inner.head(tag, { signal: options?.signal });
      const isAbsent = current?.target === undefined;
      if (options?.expect === "absent" && !isAbsent) throw conflict(tag, current);
      return inner.append(tag, digest, options);
    },
  }),
  "answers a nonce of another change": (inner) => ({
    append: (tag, digest, options) =>
      inner.append(tag, digest, options).catch(async (error: unknown) => {
        const records = await collected(inner.history(tag));
        const written = records.find(({ nonce }) => nonce === options?.nonce);
        const entry = written === undefined ? undefined : await inner.get(tag, written.seq);
        if (entry === undefined) throw error;
        return entry;
      }),
  }),
  "takes any nonce": (inner) =>
    rewritten(inner, (options) =>
      /^[0-9a-f]{32}$/.test(options?.nonce ?? "")
        ? strip(options)
        : strip(options, "nonce", "base"),
    ),
  "counts the characters of an actor": (inner) =>
    rewritten(inner, (options) => {
      const actor = options?.actor ?? "";
      return actor.length <= 256 && Buffer.byteLength(actor) > 256
        ? { ...strip(options), actor: actor.slice(0, 128) }
        : strip(options);
    }),
  "cuts reasons that are too long": (inner) =>
    rewritten(inner, (options) =>
      options?.reason === undefined
        ? strip(options)
        : { ...strip(options), reason: options.reason.slice(0, 1024) },
    ),
  "drops the media type": (inner) => ({
    append: (tag, digest, options) =>
      inner.append(tag, digest, { ...options, mediaType: undefined }),
  }),
  "removes what is not there": (inner) => ({
    remove: (tag, options) =>
      inner.remove(tag, options).catch(async (error: unknown) => {
        const current = await inner.head(tag);
        if (!isStoreError(error, "NOT_FOUND") || current === undefined) throw error;
        return current;
      }),
  }),
  "rolls a tombstone back to the entry before": (inner) => ({
    rollback: async (tag, seq, options) => {
      const old = await inner.get(tag, seq).catch(() => undefined);
      return inner.rollback(tag, old?.op === "delete" ? seq - 1 : seq, options);
    },
  }),
  "rolls back by a set": (inner) => ({
    rollback: async (tag, seq, options) => {
      const old = await inner.get(tag, seq).catch(() => undefined);
      return old?.target === undefined
        ? inner.rollback(tag, seq, options)
        : inner.append(tag, old.target.digest, options);
    },
  }),
  "keeps old annotations": (inner) => ({
    annotate: async (tag, words, options) => {
      const current = await inner.head(tag, { signal: options?.signal });
      return inner.annotate(tag, { ...current?.annotations, ...words }, options);
    },
  }),
  "does not heed an abort of a read": (inner) => ({
    head: (tag, { maxAgeMs } = {}) => inner.head(tag, { maxAgeMs }),
  }),
  "does not heed an abort of a list": (inner) => ({
    list: (options) => inner.list({ ...options, signal: undefined }),
  }),
  "writes what was aborted before": (inner) =>
    rewritten(inner, (options) => strip(options, "signal")),
};

/** Mistakes with what is read: heads, histories, times, names, watches. */
export const readingMutants: Readonly<Record<string, MutateTags>> = {
  "answers heads from memory": (inner) => ({
    head: (tag, options) => inner.head(tag, { ...options, maxAgeMs: 3_600_000 }),
  }),
  "remembers heads on its own": (inner) => {
    const known = new Map<string, TagEntry | undefined>();
    return {
      head: async (tag, options) => {
        if (options?.maxAgeMs !== undefined && known.has(tag)) return known.get(tag);
        const head = await inner.head(tag, options);
        known.set(tag, head);
        return head;
      },
    };
  },
  "takes a tombstone for a miss": (inner) => ({
    head: async (tag, options) => {
      const head = await inner.head(tag, options);
      return head?.op === "delete" ? undefined : head;
    },
  }),
  "begins recent with the entry itself": (inner) =>
    reported(inner, (entry) => ({ ...entry, recent: [recordOf(entry), ...entry.recent] })),
  "turns recent round": (inner) =>
    reported(inner, (entry) => ({ ...entry, recent: entry.recent.toReversed() })),
  "keeps 15 recent entries": (inner) =>
    reported(inner, (entry) => ({ ...entry, recent: entry.recent.slice(0, 15) })),
  "does not chain": (inner) => reported(inner, (entry) => ({ ...entry, prev: undefined })),
  "tells times in seconds": (inner) =>
    reported(inner, (entry) => ({ ...entry, time: entry.time.replace(/\.\d+Z$/, ".000Z") })),
  "includes before": (inner) => ({
    history: (tag, options = {}) =>
      inner.history(
        tag,
        options.before === undefined ? options : { ...options, before: options.before + 1 },
      ),
  }),
  "tells no more history than the head names": (inner) => ({
    history: (tag, options) =>
      inner.history(tag, { ...options, limit: Math.min(17, options?.limit ?? 17) }),
  }),
  "forgets history at a delete": (inner) => ({
    history: async function* (tag, options) {
      for await (const record of inner.history(tag, options)) {
        if (record.op === "delete" && record.seq < 40) return;
        yield record;
      }
    },
  }),
  "answers asOf with the entry after": (inner) => ({
    asOf: async (tag, time, options) => {
      const found = await inner.asOf(tag, time, options);
      return found === undefined || time > new Date()
        ? found
        : ((await inner.get(tag, found.seq + 1, options)) ?? found);
    },
  }),
  "leaves out the exact time": (inner) => ({
    asOf: (tag, time, options) => inner.asOf(tag, new Date(time.getTime() - 1), options),
  }),
  "answers the first entry for a time before it": (inner) => ({
    asOf: async (tag, time, options) =>
      (await inner.asOf(tag, time, options)) ?? (await inner.get(tag, 1, options)),
  }),
  "lists by the names themselves": (inner) => ({
    list: async function* (options) {
      yield* (await collected(inner.list(options))).toSorted();
    },
  }),
  "includes startAfter": (inner) => ({
    list: async function* (options) {
      const head = await inner.head(options?.startAfter ?? "none", { signal: options?.signal });
      if (head !== undefined && options?.startAfter?.startsWith(options.prefix ?? "")) {
        yield options.startAfter;
      }
      yield* inner.list(options);
    },
  }),
  "counts deleted tags for the limit": (inner) => ({
    list: async function* (options) {
      const asked = await collected(inner.list({ ...options, deleted: true }));
      const shown = new Set(await collected(inner.list({ ...options, limit: undefined })));
      yield* options?.deleted === true ? asked : asked.filter((name) => shown.has(name));
    },
  }),
  "takes a prefix for whole segments": (inner) => ({
    list: async function* (options = {}) {
      for await (const name of inner.list(options)) {
        const { prefix = "" } = options;
        const next = name[prefix.length];
        if (prefix === "" || prefix.endsWith("/") || next === undefined || next === "/") yield name;
      }
    },
  }),
  "lists deleted tags": (inner) => ({
    list: (options) => inner.list({ ...options, deleted: true }),
  }),
  "never lists a tag again that was deleted": (inner) => ({
    list: async function* (options) {
      for await (const name of inner.list(options)) {
        const records = await collected(inner.history(name));
        if (options?.deleted === true || records.every(({ op }) => op !== "delete")) yield name;
      }
    },
  }),
  "yields the newest entry in place of each": (inner) => ({
    watch: async function* (tag, options = {}) {
      for await (const entry of inner.watch(tag, options)) {
        yield (await inner.head(tag, options)) ?? entry;
      }
    },
  }),
  "ends an aborted watch as if it were over": (inner) => ({
    watch: async function* (tag, options) {
      try {
        yield* inner.watch(tag, options);
      } catch (error) {
        if (!isStoreError(error, "ABORTED")) throw error;
      }
    },
  }),
  "watches from the entry that is given": (inner) => ({
    watch: (tag, options = {}) =>
      inner.watch(tag, { ...options, since: Math.max(0, (options.since ?? 1) - 1) }),
  }),
  "ends a watch when there is nothing yet": (inner) => ({
    watch: async function* (tag, options) {
      if ((await inner.head(tag, options)) === undefined) return;
      yield* inner.watch(tag, options);
    },
  }),
  "verifies a tag that was never set as if it had an entry": (inner) => ({
    verify: async (tag, options) => {
      const found = await inner.verify(tag, options);
      return { ...found, seq: Math.max(1, found.seq) };
    },
  }),
  "gives another anchor": (inner) => ({
    verify: async (tag, options) => ({
      ...(await inner.verify(tag, options)),
      sha256: "0".repeat(64),
    }),
  }),
};

function recordOf({ seq, op, time, actor, nonce }: TagEntry): TagRecord {
  return { seq, op, time, actor, nonce };
}
