/** One mistake, as edits of the sources. */
export interface Mutant {
  readonly name: string;
  /** Whether the simulation leaves to the trash what a collector has overlooked. */
  readonly isLax?: boolean | undefined;
  /** Where the search begins: a little before the history that shows it, where that is a rare one. */
  readonly firstSeed?: number | undefined;
  readonly edits: readonly {
    readonly file: string;
    readonly find: string;
    readonly replace: string;
  }[];
}

const move = "gc/src/run/move-to-trash.ts";
const purge = "gc/src/run/purge-copy.ts";
const mark = "gc/src/roots/mark-roots.ts";
const sweep = "gc/src/run/sweep-tier.ts";
const put = "core/src/store/put-blob.ts";
const store = "core/src/store/bucket-store.ts";
const format = "core/src/store/format.ts";

function mutant(name: string, file: string, find: string, replace: string): Mutant {
  return { name, edits: [{ file, find, replace }] };
}

/** A collector that does not look a second time, and leaves it to the trash to make up for it. */
const blindness = {
  file: move,
  find: "if (after.version !== before.version || !isOld(after)) return",
  replace: "if (false) return",
};

/** A mistake that shows where the second look is missing too: it is what is left then. */
function blind(name: string, firstSeed: number, edit: Mutant["edits"][number]): Mutant {
  return { name, isLax: true, firstSeed, edits: [blindness, edit] };
}

/** Mistakes that the trash makes up for, so that no blob is lost by one of them alone. */
export const forgiven: readonly Mutant[] = [
  { name: "does not look a second time", isLax: true, edits: [blindness] },
  {
    name: "does not renew",
    isLax: true,
    edits: [{ file: put, find: "if (gc === undefined) return result;", replace: "return result;" }],
  },
];

/** Mistakes that the simulation must find, each alone. */
export const mutants: readonly Mutant[] = [
  {
    name: "sweeps what it listed without looking again",
    edits: [
      { file: move, find: "if (!isOld(before)) return", replace: "if (false) return" },
      {
        file: move,
        find: "if (after.version !== before.version || !isOld(after)) return",
        replace: "if (false) return",
      },
    ],
  },
  {
    name: "sweeps what was just put",
    edits: [
      { file: move, find: ">= gc.graceMs", replace: ">= 0" },
      { file: sweep, find: ">= tier.gc.graceMs", replace: ">= 0" },
    ],
  },
  mutant("purges what is named", purge, "if (!isMarked) {", "if (isDue || !isMarked) {"),
  mutant("purges at once", purge, "const isDue = ", "const isDue = true || "),
  mutant(
    "purges after a grace by the time of the purge",
    purge,
    "markedAtMs - modifiedMs >= trashMsOf(gc)",
    "(bucket.serviceTime()?.getTime() ?? 0) - modifiedMs >= gc.graceMs",
  ),
  mutant("never brings back what is named", purge, "if (there === undefined) {", "if (false) {"),
  mutant("does not renew", put, "if (gc === undefined) return result;", "return result;"),
  mutant("renews too late", put, "age < gc.graceMs / 2", "age < gc.graceMs * 2"),
  mutant(
    "does not look for a read in the trash",
    store,
    "if (content !== undefined || gc === undefined) return content;",
    "return content;",
  ),
  mutant(
    "does not look for a stat in the trash",
    store,
    "return gc === undefined ? undefined : await trash.stat(digest, gc, call);",
    "return undefined;",
  ),
  mutant(
    "deletes before it copies",
    move,
    "const began = times(tier, { clock, date });",
    "const began = times(tier, { clock, date });\n  await bucket.delete(key);",
  ),
  blind("deletes long after it copied", 1270, {
    file: move,
    find: 'if (tookMs > moveMsOf(gc)) return "slow";',
    replace: "",
  }),
  blind("goes by its own clock alone", 1270, {
    file: move,
    find: "const tookMs = Math.max(...now",
    replace: "const tookMs = Math.max(...now.slice(0, 1)",
  }),
  blind("has one folder for all runs", 370, {
    file: move,
    find: "trashPrefixOf(layout, digest) + run",
    replace: 'trashPrefixOf(layout, digest) + "run"',
  }),
  mutant("keeps copies a quarter as long", format, "return graceMs * 2;", "return graceMs / 2;"),
  mutant("forgets pins", mark, "add(digest, markKinds.pin);", ""),
  mutant(
    "forgets leases",
    mark,
    "for (const digest of lease.digests) add(",
    "for (const digest of lease.digests.slice(0, 0)) add(",
  ),
  mutant(
    "forgets history",
    "gc/src/roots/tag-entries.ts",
    "if (!keeps(entry)) return;",
    "if (!keeps(entry) || entry !== head) return;",
  ),
];
