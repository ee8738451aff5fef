import { type Digest, StoreError } from "@bitstore/core";
import type { Mark } from "./mark-set.ts";

/** Something of a listing, and what names it: 0 where nothing does. */
export interface Matched<T> {
  readonly item: T;
  readonly kinds: number;
}

/**
 * Walks a listing that ascends by digest beside the marks, which do so too: a merge, so neither has
 * to fit in memory. A digest may be listed several times.
 *
 * Rejects with INTERNAL where the listing does not ascend: what it says of the marks would be wrong,
 * and blobs in use would be taken for garbage.
 */
export async function* matchMarks<T extends { readonly digest: Digest }>(
  listing: AsyncIterable<T>,
  marks: Iterator<Mark, undefined>,
  source: string,
): AsyncGenerator<Matched<T>, void, void> {
  let mark = marks.next();
  let last: Digest | undefined;
  for await (const item of listing) {
    if (last !== undefined && item.digest < last) throw disordered(item.digest, source);
    last = item.digest;
    while (mark.done !== true && mark.value.digest < item.digest) mark = marks.next();
    const named = mark.done === true ? undefined : mark.value;
    yield { item, kinds: named?.digest === item.digest ? named.kinds : 0 };
  }
}

function disordered(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "INTERNAL",
    operation: "list",
    subject: digest,
    source,
    message: "the service does not list in the order of the keys; nothing can be collected there",
  });
}
