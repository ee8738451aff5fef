import { it } from "vitest";

/** How many cases must run, so that a suite that was asked for can't be green by running none. */
export interface CasesMin {
  readonly all: number;
  /** The same of a bucket or store that can only be read. */
  readonly readOnly: number;
}

/** Milliseconds that a case may take: emulators on a busy machine are slow. */
const caseMs = 120_000;

/** Adds a case that runs where all capabilities are there that it needs. */
export type AddCase<Flag extends string> = (
  title: string,
  needs: readonly Flag[],
  run: () => Promise<void>,
  timeoutMs?: number,
) => void;

export interface CountedCases<Flag extends string> {
  readonly test: AddCase<Flag>;
  /** Fails where fewer cases ran than expected. */
  check(expected: number): void;
}

/** Registers cases, skips those whose capabilities are lacking, and counts what ran. */
export function countedCases<Flag extends string>(
  can: (flag: Flag) => boolean,
): CountedCases<Flag> {
  let registered = 0;
  let ran = 0;
  let skipped = 0;
  return {
    test: (title, needs, run, timeoutMs = caseMs) => {
      registered += 1;
      it(title, { timeout: timeoutMs }, async (context) => {
        const lacks = needs.filter((flag) => !can(flag));
        if (lacks.length > 0) {
          skipped += 1;
          context.skip(`it lacks ${lacks.join(", ")}`);
          return;
        }
        ran += 1;
        await run();
      });
    },
    check: (expected) => {
      // Cases that neither ran nor were skipped were left out by a name filter of the runner.
      if (ran + skipped === registered && ran < expected) {
        throw new Error(`only ${ran} cases ran where ${expected} are expected`);
      }
    },
  };
}
