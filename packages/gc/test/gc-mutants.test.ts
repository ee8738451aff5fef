import { describe, expect, test } from "vitest";
import { forgiven, mutants } from "./mutants.ts";
import { runMutant } from "./run-mutants.ts";

/** Histories that a mistake has to show in; most show in a few dozen. */
const seedsMax = 2500;

describe("the simulation", () => {
  test.each(mutants)(
    "finds a collector or store that $name",
    async (mutant) => {
      const { found } = await runMutant(mutant, seedsMax);
      expect(found?.violations).not.toHaveLength(0);
    },
    300_000,
  );

  // The second look and the renewal spare work and come first; what is left to chance without them is
  // made up for by the trash. So each of the two lines of defence holds alone.
  test.each(forgiven)(
    "shows that the trash makes up for one that $name",
    async (mutant) => {
      const { found, ran } = await runMutant(mutant, 300);
      expect({ found, ran }).toEqual({ found: undefined, ran: 300 });
    },
    300_000,
  );
});
