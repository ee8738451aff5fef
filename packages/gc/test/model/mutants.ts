import type { Mutant } from "../../../../test/sim/mutant.ts";

/** A mistake of a collector or a store, and where the histories are searched for it. */
export interface Mistake {
  readonly name: string;
  /** What makes it up, planted together. */
  readonly mutants: readonly Mutant[];
  /** Whether it is held against what is lost alone, not against what the trash makes up for. */
  readonly isLax: boolean;
  /** Where the search begins: a little before the first seed that shows it, where that one is late. */
  readonly firstSeed: number;
}

const move = "packages/gc/src/run/move-to-trash.ts";
const purge = "packages/gc/src/run/purge-copy.ts";
const mark = "packages/gc/src/roots/mark-roots.ts";
const entries = "packages/gc/src/roots/tag-entries.ts";
const sweep = "packages/gc/src/run/sweep-tier.ts";
const put = "packages/core/src/store/put-blob.ts";
const store = "packages/core/src/store/bucket-store.ts";
const format = "packages/core/src/store/format.ts";

const blindness: Mutant = {
  name: "does not look a second time",
  file: move,
  find: "if (after.version !== before.version || !isOld(after)) return",
  replace: "if (false) return",
  why: "F20: what was put or renewed during the copy is taken away",
};

const noRenewal: Mutant = {
  name: "does not renew",
  file: put,
  find: "if (gc === undefined) return result;",
  replace: "return result;",
  why: "F20: a put is told that its blob is there, which is about to go",
};

/** A mistake that shows by itself. */
function alone(mutant: Mutant, firstSeed = 1): Mistake {
  return { name: mutant.name, mutants: [mutant], isLax: false, firstSeed };
}

/** A mistake that shows where the second look is missing too: it is what is left then. */
function blind(mutant: Mutant, firstSeed: number): Mistake {
  return { name: mutant.name, mutants: [blindness, mutant], isLax: true, firstSeed };
}

/** Mistakes that the trash makes up for, so that no blob is lost by one of them alone. */
export const forgiven: readonly Mistake[] = [
  { ...alone(blindness), isLax: true },
  { ...alone(noRenewal), isLax: true },
];

/** Mistakes that the histories must find. */
export const mistakes: readonly Mistake[] = [
  {
    name: "sweeps what it listed without looking again",
    mutants: [
      {
        name: "does not look before it copies",
        file: move,
        find: "if (!isOld(before)) return",
        replace: "if (false) return",
        why: "F20: what was put since the list is taken away",
      },
      blindness,
    ],
    isLax: false,
    firstSeed: 70,
  },
  {
    name: "sweeps what was just put",
    mutants: [
      {
        name: "moves what is young",
        file: move,
        find: ">= gc.graceMs",
        replace: ">= 0",
        why: "F20: nobody had the time to name it",
      },
      {
        name: "lists what is young",
        file: sweep,
        find: ">= tier.gc.graceMs",
        replace: ">= 0",
        why: "F20: nobody had the time to name it",
      },
    ],
    isLax: false,
    firstSeed: 1,
  },
  alone(
    {
      name: "purges what is named",
      file: purge,
      find: "if (!isMarked) {",
      replace: "if (isDue || !isMarked) {",
      why: "F20, F19: the copy may be all that there is of it",
    },
    270,
  ),
  alone({
    name: "purges at once",
    file: purge,
    find: "const isDue = ",
    replace: "const isDue = true || ",
    why: "F20: what slipped through can't be brought back",
  }),
  alone({
    name: "purges after a grace by the time of the purge",
    file: purge,
    find: "markedAtMs - modifiedMs >= trashMsOf(gc)",
    replace: "(bucket.serviceTime()?.getTime() ?? 0) - modifiedMs >= gc.graceMs",
    why: "F20: what was named after the roots were read goes",
  }),
  alone(
    {
      name: "never brings back what is named",
      file: purge,
      find: "if (there === undefined) {",
      replace: "if (false) {",
      why: "F20: a blob that a tag names stays in the trash until it is purged",
    },
    78,
  ),
  alone(noRenewal),
  alone({
    name: "renews too late",
    file: put,
    find: "age < gc.graceMs / 2",
    replace: "age < gc.graceMs * 2",
    why: "F20, F5: a put is told that its blob is there, which may go at any moment",
  }),
  alone(
    {
      name: "does not look for a read in the trash",
      file: store,
      find: "if (content !== undefined || gc === undefined) return content;",
      replace: "return content;",
      why: "F20, F1: what slipped through is missed until a collector brings it back",
    },
    55,
  ),
  alone(
    {
      name: "does not look for a stat in the trash",
      file: store,
      find: "return gc === undefined ? undefined : await trash.stat(digest, gc, call);",
      replace: "return undefined;",
      why: "F20, F1: what slipped through is missed until a collector brings it back",
    },
    190,
  ),
  alone({
    name: "deletes before it copies",
    file: move,
    find: "const began = times(tier, { clock, date });",
    replace: "const began = times(tier, { clock, date });\n  await bucket.delete(key);",
    why: "F20, F19: a collector that is killed in between has lost the blob",
  }),
  blind(
    {
      name: "deletes long after it copied",
      file: move,
      find: 'if (copied === "slow" || isSlow()) {',
      replace: 'if (copied === "slow") {',
      why: "F19: the copy may have been purged before the blob is deleted",
    },
    1270,
  ),
  blind(
    {
      name: "goes by its own clock alone",
      file: move,
      find: "Math.max(...times(tier, { clock, date }).map(",
      replace: "Math.max(...times(tier, { clock, date }).slice(0, 1).map(",
      why: "F19: a machine that slept does not know how long it took",
    },
    1270,
  ),
  blind(
    {
      name: "has one folder for all runs",
      file: move,
      find: "trashPrefixOf(layout, digest) + run",
      replace: 'trashPrefixOf(layout, digest) + "run"',
      why: "F19: one collector purges the copy that another has just made",
    },
    370,
  ),
  alone(
    {
      name: "keeps copies a quarter as long",
      file: format,
      find: "return graceMs * 2;",
      replace: "return graceMs / 2;",
      why: "F5, F20: a copy goes before all who could miss its blob have looked",
    },
    255,
  ),
  alone(
    {
      name: "forgets pins",
      file: mark,
      find: "await markTarget(target, markKinds.pin);",
      replace: "",
      why: "F20: a blob that is pinned goes",
    },
    225,
  ),
  alone(
    {
      name: "forgets leases",
      file: mark,
      find: "for (const digest of lease.digests) add(",
      replace: "for (const digest of lease.digests.slice(0, 0)) add(",
      why: "F20, F5: a blob that is leased goes",
    },
    36,
  ),
  alone({
    name: "forgets history",
    file: entries,
    find: "if (!keeps(entry)) return;",
    replace: "if (!keeps(entry) || entry !== head) return;",
    why: "F20: a blob that an older entry names goes",
  }),
];
