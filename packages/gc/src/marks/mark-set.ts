import { type Algorithm, algorithms, type Digest, parseDigest, splitDigest } from "@bitstore/core";
import type { MarkKinds } from "./mark-kinds.ts";
import { type MarkRuns, type MarkRunsOptions, markRuns } from "./mark-runs.ts";

/** A digest that something names. */
export interface Mark {
  readonly digest: Digest;
  readonly kinds: MarkKinds;
}

/** The digests that are named, however many, in bounded memory: the rest is in a temporary file. */
export interface MarkSet {
  add(digest: Digest, kinds: MarkKinds): void;
  /** Yields each digest once, ascending, with all that it is named by. */
  sorted(): Generator<Mark, undefined>;
  dispose(): void;
}

export function markSet(options: MarkRunsOptions): MarkSet {
  const runs = new Map<Algorithm, MarkRuns>();
  return {
    add(digest, kinds) {
      const { algorithm, hex } = splitDigest(digest);
      let own = runs.get(algorithm);
      if (own === undefined) runs.set(algorithm, (own = markRuns(algorithm, options)));
      own.add(hex, kinds);
    },
    *sorted(): Generator<Mark, undefined> {
      for (const algorithm of [...algorithms].sort()) {
        for (const { hex, kinds } of runs.get(algorithm)?.sorted() ?? []) {
          yield { digest: parseDigest(`${algorithm}:${hex}`), kinds };
        }
      }
      return undefined;
    },
    dispose() {
      for (const own of runs.values()) own.dispose();
      runs.clear();
    },
  };
}
