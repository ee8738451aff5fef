import { type Algorithm, digestBytes } from "@bitstore/core";
import { type TemporaryFile, temporaryFile } from "./temporary-file.ts";

/** Marks of one algorithm: added in any order, read in ascending order, each once. */
export interface MarkRuns {
  add(hex: string, kinds: number): void;
  /** Yields hex and kinds; may be read several times, also at once. Nothing is added after. */
  sorted(): Generator<{ readonly hex: string; readonly kinds: number }, void, void>;
  dispose(): void;
}

export interface MarkRunsOptions {
  /** Marks that are kept in memory, and sorted at once. */
  readonly marksInMemoryMax: number;
  readonly directory: string;
}

/** Where one sorted run lies: in a file, or in memory. */
interface Run {
  readonly file: TemporaryFile | undefined;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const blockRecords = 1024;

/**
 * Sorts marks by an external merge: runs that fit in memory are sorted and written one after another
 * to a file, and merged as they are read. A mark takes the digest's bytes and one for its kinds.
 * File calls are synchronous: there is one every few hundred thousand marks.
 */
export function markRuns(algorithm: Algorithm, options: MarkRunsOptions): MarkRuns {
  const width = digestBytes[algorithm] + 1;
  const recordsMax = options.marksInMemoryMax;
  const runs: Run[] = [];
  let file: TemporaryFile | undefined;
  let fileBytes = 0;
  let records = Buffer.alloc(0);
  let count = 0;

  const grow = (): void => {
    const wider = Buffer.alloc(Math.min(recordsMax, Math.max(1024, count * 4)) * width);
    records.copy(wider, 0, 0, count * width);
    records = wider;
  };
  const spill = (): void => {
    const sorted = sortRecords(records, count, width);
    file ??= temporaryFile(options.directory);
    file.write(sorted, fileBytes);
    const end = fileBytes + sorted.byteLength;
    runs.push({ file, bytes: Buffer.alloc(0), start: fileBytes, end });
    fileBytes = end;
    count = 0;
  };

  return {
    add(hex, kinds) {
      if (count === recordsMax) spill();
      if ((count + 1) * width > records.byteLength) grow();
      records.write(hex, count * width, "hex");
      records[(count + 1) * width - 1] = kinds;
      count += 1;
    },
    *sorted() {
      const last = sortRecords(records, count, width);
      const all = [...runs, { file: undefined, bytes: last, start: 0, end: last.byteLength }];
      yield* mergeRuns(all, width);
    },
    dispose() {
      file?.close();
      file = undefined;
    },
  };
}

/** Copies records in ascending order; the same digest twice becomes one record of both kinds. */
function sortRecords(records: Buffer, count: number, width: number): Buffer {
  const prefixes = new Float64Array(count);
  for (let at = 0; at < count; at += 1) prefixes[at] = records.readUIntBE(at * width, 6);
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  // Six bytes tell nearly all digests apart; only hostile ones need the rest compared.
  order.sort((a, b) => {
    const difference = (prefixes[a] ?? 0) - (prefixes[b] ?? 0);
    if (difference !== 0) return difference;
    const [one, other] = [a * width, b * width];
    return records.compare(records, other, other + width - 1, one, one + width - 1);
  });
  const sorted = Buffer.alloc(count * width);
  let kept = 0;
  for (const index of order) {
    const from = index * width;
    const before = (kept - 1) * width;
    const isSame =
      kept > 0 && records.compare(sorted, before, before + width - 1, from, from + width - 1) === 0;
    if (isSame) orInto(sorted, before + width - 1, records[from + width - 1] ?? 0);
    else {
      records.copy(sorted, kept * width, from, from + width);
      kept += 1;
    }
  }
  return sorted.subarray(0, kept * width);
}

/** Reads one run, a block at a time. */
interface Cursor {
  /** The record that is next, in `block` at `at`. */
  block: Buffer;
  at: number;
  offset: number;
  readonly run: Run;
}

function* mergeRuns(
  runs: readonly Run[],
  width: number,
): Generator<{ readonly hex: string; readonly kinds: number }, void, void> {
  const heap: Cursor[] = [];
  const isLess = (a: Cursor, b: Cursor): boolean =>
    a.block.compare(b.block, b.at, b.at + width - 1, a.at, a.at + width - 1) < 0;
  for (const run of runs) {
    const cursor = { block: Buffer.alloc(0), at: 0, offset: run.start, run };
    if (!fill(cursor, width)) continue;
    heap.push(cursor);
    siftUp(heap, isLess);
  }
  let hex: string | undefined;
  let kinds = 0;
  for (let least = heap[0]; least !== undefined; least = heap[0]) {
    const next = least.block.toString("hex", least.at, least.at + width - 1);
    const own = least.block[least.at + width - 1] ?? 0;
    if (next === hex) kinds |= own;
    else {
      if (hex !== undefined) yield { hex, kinds };
      [hex, kinds] = [next, own];
    }
    least.at += width;
    if (least.at >= least.block.byteLength && !fill(least, width)) {
      const last = heap.pop();
      if (last !== undefined && last !== least) heap[0] = last;
    }
    siftDown(heap, isLess);
  }
  if (hex !== undefined) yield { hex, kinds };
}

/** Reads a run's next block; false at its end. */
function fill(cursor: Cursor, width: number): boolean {
  const { run, offset } = cursor;
  const end = Math.min(run.end, offset + blockRecords * width);
  if (offset >= end) return false;
  cursor.block =
    run.file === undefined ? run.bytes.subarray(offset, end) : run.file.read(offset, end);
  cursor.at = 0;
  cursor.offset = end;
  return true;
}

function siftUp<T>(heap: T[], isLess: (a: T, b: T) => boolean): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIf(heap, at, parent, isLess)) return;
    at = parent;
  }
}

function siftDown<T>(heap: T[], isLess: (a: T, b: T) => boolean): void {
  let at = 0;
  for (;;) {
    const [left, right] = [heap[at * 2 + 1], heap[at * 2 + 2]];
    if (left === undefined) return;
    const child = right !== undefined && isLess(right, left) ? at * 2 + 2 : at * 2 + 1;
    if (!swapIf(heap, child, at, isLess)) return;
    at = child;
  }
}

function swapIf<T>(
  heap: T[],
  at: number,
  parent: number,
  isLess: (a: T, b: T) => boolean,
): boolean {
  const [item, above] = [heap[at], heap[parent]];
  if (item === undefined || above === undefined || !isLess(item, above)) return false;
  heap[at] = above;
  heap[parent] = item;
  return true;
}

function orInto(bytes: Buffer, at: number, kinds: number): void {
  bytes[at] = (bytes[at] ?? 0) | kinds;
}
