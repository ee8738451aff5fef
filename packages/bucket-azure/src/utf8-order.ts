import { compareKeys, StoreError } from "@bitstore/core";

/** Keys with characters above U+FFFF that are held back at a time, to be put in order. */
const heldKeysMax = 50_000;

/**
 * Yields what is sorted by UTF-16 units in the order of UTF-8 bytes, where keys with characters
 * above U+FFFF come last under a prefix and not before U+E000. Those keys are held back until the
 * list has left the part before their first such character; all others pass at once. What is in
 * the right order already stays so. Keys in neither order are UNSUPPORTED, since merges and
 * resumed lists would silently lose some: accounts with a hierarchical namespace list so.
 */
export async function* utf8Order<T>(
  items: AsyncIterable<T>,
  keyOf: (item: T) => string,
  source: string,
): AsyncGenerator<T, void, void> {
  const held: Held<T>[] = [];
  let last: string | undefined;
  const inOrder = (key: string): void => {
    if (last !== undefined && compareKeys(last, key) >= 0) throw outOfOrder(source, last, key);
    last = key;
  };
  for await (const item of items) {
    const key = keyOf(item);
    const staying = held.findIndex(({ before }) => key.startsWith(before));
    for (const one of held.splice(0, staying < 0 ? held.length : staying)) {
      inOrder(one.key);
      yield one.item;
    }
    const surrogate = key.search(/[\ud800-\udfff]/);
    if (surrogate >= 0) {
      hold(held, { item, key, before: key.slice(0, surrogate) }, source);
    } else {
      inOrder(key);
      yield item;
    }
  }
  for (const { item, key } of held) {
    inOrder(key);
    yield item;
  }
}

interface Held<T> {
  readonly item: T;
  readonly key: string;
  /** The key up to its first character above U+FFFF. */
  readonly before: string;
}

/** Inserts where it belongs, which is nearly always at the end. */
function hold<T>(held: Held<T>[], one: Held<T>, source: string): void {
  if (held.length >= heldKeysMax) {
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "list",
      source,
      message: `more than ${heldKeysMax} keys with characters above U+FFFF: list a longer prefix`,
    });
  }
  let at = held.length;
  for (let before = held[at - 1]; before !== undefined; before = held[at - 1]) {
    if (compareKeys(before.key, one.key) < 0) break;
    at -= 1;
  }
  held.splice(at, 0, one);
}

function outOfOrder(source: string, before: string, after: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "list",
    source,
    subject: `key ${JSON.stringify(after.slice(0, 80))}`,
    message:
      `listed out of order, after ${JSON.stringify(before.slice(0, 80))}: ` +
      "accounts with a hierarchical namespace can't be listed",
  });
}
