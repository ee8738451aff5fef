import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Mutant, mutants } from "./mutants.ts";

/** Histories that a mistake has to show in; most show in a few dozen. */
const seedsMax = 3000;

interface Result {
  readonly ran: number;
  readonly found: { readonly seed: number; readonly violations: readonly string[] } | undefined;
}

/** Runs histories over the sources with one mistake in them, in a process of its own. */
function runMutant({ name, edits }: Mutant): Promise<Result> {
  const script = join(import.meta.dirname, "run-crashes.ts");
  const preload = join(import.meta.dirname, "mutate.ts");
  const flags = ["--conditions=@bitstore/source", "--no-warnings", "--import", preload];
  const args = [...flags, script, "1", `${seedsMax}`];
  const env = { ...process.env, MUTANT: JSON.stringify(edits) };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(new Error(`${name}: ${stderr || error.message}`));
    });
  });
}

// Each mistake is put into the sources as they are loaded, one at a time, and the crash histories have
// to find it: what they would not find, they would not have shown of the code without it.
describe("the crash histories", () => {
  test.each(mutants)(
    "find a journal that $name",
    async (mutant) => {
      const { found } = await runMutant(mutant);
      expect(found?.violations ?? []).not.toHaveLength(0);
    },
    120_000,
  );
});
