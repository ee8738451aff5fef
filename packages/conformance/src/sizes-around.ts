/** Sizes that are wrong by one somewhere: nothing, one byte, and around 64 KiB and each limit. */
export function sizesAround(...limits: readonly (number | undefined)[]): readonly number[] {
  const sizes = new Set([0, 1, 2, 1024 * 1024]);
  for (const limit of [64 * 1024, ...limits]) {
    if (limit === undefined) continue;
    for (const size of [limit - 1, limit, limit + 1]) if (size >= 0) sizes.add(size);
  }
  return [...sizes].sort((a, b) => a - b);
}
