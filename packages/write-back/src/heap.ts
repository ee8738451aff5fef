/** Keeps things so that the least by a number is at hand. */
export interface Heap<T> {
  push(rank: number, value: T): void;
  /** The least of all, or undefined. */
  peek(): { readonly rank: number; readonly value: T } | undefined;
  pop(): T | undefined;
}

/** Makes a binary heap; pushing and popping take logarithmic time. */
export function createHeap<T>(): Heap<T> {
  const nodes: { readonly rank: number; readonly value: T }[] = [];
  const rankAt = (at: number): number => nodes[at]?.rank ?? Number.POSITIVE_INFINITY;

  function swap(a: number, b: number): void {
    const [first, second] = [nodes[a], nodes[b]];
    if (first === undefined || second === undefined) return;
    nodes[a] = second;
    nodes[b] = first;
  }

  return {
    push(rank, value) {
      nodes.push({ rank, value });
      for (let at = nodes.length - 1; at > 0; ) {
        const above = (at - 1) >> 1;
        if (rankAt(above) <= rankAt(at)) break;
        swap(above, at);
        at = above;
      }
    },
    peek: () => nodes[0],
    pop() {
      const [top] = nodes;
      const last = nodes.pop();
      if (top === undefined || last === undefined || nodes.length === 0) return top?.value;
      nodes[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const least = rankAt(left + 1) < rankAt(left) ? left + 1 : left;
        if (rankAt(at) <= rankAt(least)) break;
        swap(at, least);
        at = least;
      }
      return top.value;
    },
  };
}
