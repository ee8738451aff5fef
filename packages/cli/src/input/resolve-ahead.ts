import { mapOrdered } from "../frame/map-ordered.ts";
import { namesTag } from "./blob-argument.ts";

/** Tags of a list that are looked up at a time. */
const tagsInWorkMax = 16;

/**
 * Maps the words of a list in their order. Digests go through one by one, which costs nothing; from
 * the first tag on words are mapped ahead, so that a list of tags does not wait for each alone.
 */
export async function* resolveAhead<T>(
  words: AsyncIterable<string>,
  map: (word: string) => T | Promise<T>,
): AsyncGenerator<T, void, void> {
  const input = words[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await input.next();
      if (step.done === true) return;
      if (!namesTag(step.value)) {
        yield await map(step.value);
        continue;
      }
      const work = async (word: string): Promise<T> => await map(word);
      yield* mapOrdered(withFirst(step.value, input), tagsInWorkMax, work);
      return;
    }
  } finally {
    await input.return?.();
  }
}

async function* withFirst(
  first: string,
  rest: AsyncIterator<string>,
): AsyncGenerator<string, void, void> {
  yield first;
  for (;;) {
    const step = await rest.next();
    if (step.done === true) return;
    yield step.value;
  }
}
