import type { Digest, TagEntry, TagLog } from "@bitstore/core";
import { countedCases } from "./counted-cases.ts";
import type { TagHarness } from "./tag-harness.ts";

/** What the cases of the tag suite share: the open log, a second handle, fresh names, the count. */
export interface TagSuite {
  readonly harness: TagHarness;
  readonly log: TagLog;
  /** Another handle of the same namespace. */
  readonly other: TagLog;
  /** Makes a tag name that no other case uses; `tag` is its last segment if none is given. */
  readonly freshTag: (segment?: string) => string;
  /** Makes a prefix that no other case's names have, ending in `/`. */
  readonly freshPrefix: () => string;
  readonly target: (n: number) => Promise<Digest>;
  /** Sets a tag so many times, one after the other; resolves to the entries, oldest first. */
  readonly fill: (tag: string, count: number) => Promise<readonly TagEntry[]>;
  /** A history that cases read and none writes: oldest first, its fifth entry a tombstone. */
  readonly longHistory: () => Promise<readonly TagEntry[]>;
  /** Opens another namespace. */
  readonly open: () => Promise<TagLog>;
  /** Opens another handle of the same namespace. */
  readonly reopen: () => Promise<TagLog>;
  readonly test: (title: string, run: () => Promise<void>) => void;
  readonly start: () => Promise<void>;
  /** Disposes every handle that was opened, then the harness; fails where too few cases ran. */
  readonly finish: () => Promise<void>;
}

/** Entries of {@link TagSuite.longHistory}: more than two times what `recent` holds. */
export const longHistoryLength = 40;

export function tagSuite(harness: TagHarness, casesMin: number): TagSuite {
  const opened: TagLog[] = [];
  const prefixes = { made: 0 };
  let history: Promise<readonly TagEntry[]> | undefined;
  const track = async (opening: Promise<TagLog>): Promise<TagLog> => {
    const handle = await opening;
    opened.push(handle);
    return handle;
  };
  const handle = (at: number): TagLog => {
    const found = opened[at];
    if (found === undefined) throw new Error("the harness has opened no tag log");
    return found;
  };
  const freshPrefix = (): string => {
    prefixes.made += 1;
    return `case-${prefixes.made}/`;
  };
  const target = (n: number): Promise<Digest> => harness.target(n);
  const fill = async (tag: string, count: number): Promise<readonly TagEntry[]> => {
    const entries: TagEntry[] = [];
    for (let n = 0; n < count; n += 1) entries.push(await handle(0).append(tag, await target(n)));
    return entries;
  };
  const cases = countedCases<never>(() => true);
  return {
    harness,
    get log() {
      return handle(0);
    },
    get other() {
      return handle(1);
    },
    freshPrefix,
    freshTag: (segment = "tag") => `${freshPrefix()}${segment}`,
    target,
    fill,
    longHistory: () => {
      history ??= makeLongHistory(handle(0), `${freshPrefix()}long`, target);
      return history;
    },
    open: () => track(harness.open()),
    reopen: () => track(harness.reopen()),
    test: (title, run) => cases.test(title, [], run),
    start: async () => {
      await track(harness.open());
      await track(harness.reopen());
    },
    finish: async () => {
      for (const each of opened) await each[Symbol.asyncDispose]();
      await harness.dispose();
      cases.check(casesMin);
    },
  };
}

async function makeLongHistory(
  log: TagLog,
  tag: string,
  target: (n: number) => Promise<Digest>,
): Promise<readonly TagEntry[]> {
  const entries: TagEntry[] = [];
  for (let seq = 1; seq <= longHistoryLength; seq += 1) {
    const reason = seq % 3 === 0 ? `the entry ${seq}` : undefined;
    const actor = seq % 4 === 0 ? `actor ${seq}` : undefined;
    entries.push(
      seq === 5
        ? await log.remove(tag, { reason, actor })
        : await log.append(tag, await target(seq), { reason, actor }),
    );
  }
  return entries;
}
