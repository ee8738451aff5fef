import type { Descriptor } from "../digest.ts";

/**
 * Merges lists that ascend by digest into one that does, each digest once. Memory is one entry a
 * list; a list that fails fails the merge, and the others are closed.
 */
export async function* mergeLists(
  lists: readonly AsyncIterable<Descriptor>[],
): AsyncGenerator<Descriptor, void, void> {
  const iterators = lists.map((list) => list[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
    for (;;) {
      let least: Descriptor | undefined;
      for (const head of heads) {
        if (head.done === true) continue;
        if (least === undefined || head.value.digest < least.digest) least = head.value;
      }
      if (least === undefined) return;
      yield least;
      for (const [index, head] of heads.entries()) {
        if (head.done === true || head.value.digest !== least.digest) continue;
        const next = await iterators[index]?.next();
        if (next !== undefined) heads[index] = next;
      }
    }
  } finally {
    await Promise.allSettled(iterators.map(async (iterator) => await iterator.return?.()));
  }
}
