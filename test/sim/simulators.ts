import { mistakes as cacheMistakes } from "../../packages/cache-disk/test/sim/mutants.ts";
import { mistakes as gcMistakes } from "../../packages/gc/test/model/mutants.ts";
import { mutants as tagMutants, tagFirstSeeds } from "../../packages/tags/test/model/mutants.ts";
import { mutants as journalMutants } from "../../packages/write-back/test/mutants.ts";
import { mutants as compositeMutants, pairs } from "./composite/mutants.ts";
import type { Mistake, Mutant } from "./mutant.ts";

/** What the module of a simulator exports. */
export interface Simulation {
  /** Plays the history of a seed; what is wrong with it, if anything is. */
  findViolation(seed: number): Promise<string | undefined>;
  /** Tells a history step by step: the smallest that shows what its seed shows, or all of it. */
  explain(seed: number, smallest?: boolean): Promise<string>;
  /** Says how often each kind of fault was met so far; where it is told, it is printed at the end. */
  coverage?(): string;
}

/** One part of bitstore under simulation, by the name that `--only` takes. */
export interface Simulator {
  readonly name: string;
  /** Its module, from the root of the repository; see {@link Simulation}. */
  readonly module: string;
  /** Its part of the seeds where all share them, in hundredths: as they are worth, and cost. */
  readonly share: number;
  readonly mistakes: readonly Mistake[];
}

const alone = (mutant: Mutant): Mistake => ({ name: mutant.name, mutants: [mutant] });

/** All simulators. */
export const simulators: readonly Simulator[] = [
  {
    name: "composite",
    module: "test/sim/composite/simulate.ts",
    share: 40,
    mistakes: [
      ...compositeMutants.map(alone),
      ...pairs.map((pair) => ({
        name: pair.map(({ name }) => name).join(" and "),
        mutants: pair,
      })),
    ],
  },
  {
    name: "tags",
    module: "packages/tags/test/model/simulate.ts",
    share: 35,
    mistakes: tagMutants.map((mutant) => ({
      ...alone(mutant),
      firstSeed: tagFirstSeeds[mutant.name],
    })),
  },
  {
    name: "gc",
    module: "packages/gc/test/model/find-violation.ts",
    share: 5,
    mistakes: gcMistakes.map((mistake) => ({
      ...mistake,
      simulation: mistake.isLax ? "packages/gc/test/model/find-loss.ts" : undefined,
    })),
  },
  {
    name: "journal",
    module: "packages/write-back/test/simulate.ts",
    share: 15,
    mistakes: journalMutants.map(alone),
  },
  {
    name: "cache",
    module: "packages/cache-disk/test/sim/simulate.ts",
    share: 5,
    mistakes: cacheMistakes,
  },
];
