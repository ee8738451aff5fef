import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Mutant } from "./mutants.ts";

/** What the simulation says of a mutant. */
export interface MutantResult {
  readonly name: string;
  /** Histories until it was found. */
  readonly ran: number;
  readonly found: { readonly seed: number; readonly violations: readonly string[] } | undefined;
}

/** Runs histories over the sources with one mistake in them, in a process of its own. */
export function runMutant(
  { name, edits, isLax, firstSeed = 1 }: Mutant,
  seedsMax: number,
): Promise<MutantResult> {
  const script = join(import.meta.dirname, "run-sim.ts");
  const preload = join(import.meta.dirname, "mutate.ts");
  const args = [
    "--conditions=@bitstore/source",
    "--import",
    preload,
    script,
    `${firstSeed}`,
    `${seedsMax}`,
  ];
  if (isLax === true) args.push("--lax");
  const env = { ...process.env, MUTANT: JSON.stringify(edits) };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${name}: ${stderr || error.message}`));
      else resolve({ name, ...JSON.parse(stdout) });
    });
  });
}
