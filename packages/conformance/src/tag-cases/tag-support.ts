import {
  currentEntry,
  type Digest,
  isStoreError,
  type TagEntry,
  type TagLog,
  type TagRecord,
} from "@bitstore/core";
import { expect } from "vitest";
import { all, expectCode, promptly } from "../expectations.ts";

/** What history shows of an entry: the suite's own reading of the contract. */
export function recordOf(entry: TagEntry): TagRecord {
  const { seq, op, time, actor, reason, nonce } = entry;
  return {
    seq,
    op,
    digest: entry.target?.digest,
    size: entry.target?.size,
    time,
    actor,
    reason,
    nonce,
  };
}

/** Fails where there is no entry. */
export function existing(entry: TagEntry | undefined): TagEntry {
  if (entry === undefined) return expect.fail("expected an entry, got undefined");
  return entry;
}

/** Picks from a list by index; fails where it is shorter. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) return expect.fail(`expected ${index + 1} items, got ${items.length}`);
  return item;
}

/** Fails unless the tag's newest entry has that sequence; 0 for none. */
export async function expectSeq(log: TagLog, tag: string, seq: number): Promise<void> {
  expect((await log.head(tag))?.seq ?? 0, `sequence of ${tag}`).toBe(seq);
}

/** Fails unless the write is refused, and the error tells the entry that it met. */
export async function expectRefused(
  writing: Promise<unknown>,
  met: TagEntry | undefined,
): Promise<void> {
  const error = await expectCode(writing, "PRECONDITION_FAILED");
  if (!isStoreError(error)) return expect.fail("expected a StoreError");
  expect(currentEntry(error)).toEqual(met);
  // An error that lacks the entry would pass for one that met none.
  if (met === undefined) expect("current" in error && error.current).toBeFalsy();
}

/** Numbers from 1 to n. */
export function oneTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}

/** A nonce that no other call of this process made. */
export function freshNonce(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Fails unless the tag has n entries, 1 to n, each chained to the one before, and says so. */
export async function expectWholeLog(log: TagLog, tag: string, n: number): Promise<void> {
  const verification = await log.verify(tag);
  expect(verification).toMatchObject({ tag, seq: n, problems: [] });
  let before: TagEntry | undefined;
  for (const seq of oneTo(n)) {
    const entry = existing(await log.get(tag, seq));
    expect(entry.seq).toBe(seq);
    const prev = before === undefined ? undefined : { seq: before.seq, sha256: before.sha256 };
    expect(entry.prev, `prev of ${seq}`).toEqual(prev);
    if (before !== undefined)
      expect(Date.parse(entry.time)).toBeGreaterThan(Date.parse(before.time));
    before = entry;
  }
  expect(verification.sha256).toBe(before?.sha256);
  const records = await all(log.history(tag));
  expect(records.map(({ seq }) => seq)).toEqual(oneTo(n).toReversed());
}

/** One call of each method that takes a tag, each to fail alike. */
export function everyMethod(
  log: TagLog,
  tag: string,
  digest: Digest,
  options: { readonly signal?: AbortSignal } = {},
): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    head: () => log.head(tag, options),
    get: () => log.get(tag, 1, options),
    asOf: () => log.asOf(tag, new Date(), options),
    append: () => log.append(tag, digest, options),
    annotate: () => log.annotate(tag, { key: "value" }, options),
    remove: () => log.remove(tag, options),
    rollback: () => log.rollback(tag, 1, options),
    history: () => all(log.history(tag, options)),
    watch: () => nextOf(iterate(log.watch(tag, options))),
    verify: () => log.verify(tag, options),
  };
}

/** Begins to iterate by hand. */
export function iterate<T>(items: AsyncIterable<T>): AsyncIterator<T> {
  return items[Symbol.asyncIterator]();
}

/** The next entry of a watch, which must come promptly. */
export async function nextOf<T>(watching: AsyncIterator<T>): Promise<T> {
  const step = await promptly("the watch", watching.next());
  if (step.done === true) return expect.fail("the watch ended");
  return step.value;
}

/** The next n entries of a watch. */
export async function take<T>(watching: AsyncIterator<T>, n: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < n) taken.push(await nextOf(watching));
  return taken;
}
