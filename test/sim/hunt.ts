import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutant.ts";

/** What became of a mutant, or of some that were planted together. */
export interface Hunt {
  /** Its name; of some together, their names joined by " and ". */
  readonly mutant: string;
  /** The seed that showed it; undefined where none did. */
  readonly seed: number | undefined;
  /** Seeds that were run. */
  readonly tried: number;
  /** What was violated, or why the process did not tell. */
  readonly violation: string | undefined;
}

export interface HuntOptions {
  /** The module that exports `findViolation(seed)`, from the root of the repository. */
  readonly simulation: string;
  readonly firstSeed: number;
  /** Seeds after which a mutant counts as survivor. */
  readonly seedsMax: number;
  /** Milliseconds after which its process is ended: a mutant may run in circles. */
  readonly processMs: number;
}

export interface HuntAllOptions extends Omit<HuntOptions, "firstSeed"> {
  /** The same for all, or one for each. */
  readonly firstSeed: number | ((mutant: Mutant) => number);
  /** Processes at a time. */
  readonly concurrencyMax: number;
}

interface Report {
  readonly seed: number;
  readonly tried: number;
  readonly violation?: string;
}

/** Hunts mutants, each alone in a process of its own, and tells of each, in their order. */
export async function huntAll(
  mutants: readonly Mutant[],
  options: HuntAllOptions,
): Promise<readonly Hunt[]> {
  const hunts: Hunt[] = [];
  const left = [...mutants.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, mutant] = next;
      const { firstSeed } = options;
      const own = typeof firstSeed === "number" ? firstSeed : firstSeed(mutant);
      hunts[index] = await hunt([mutant], { ...options, firstSeed: own });
    }
  };
  await Promise.all(Array.from({ length: options.concurrencyMax }, worker));
  return hunts;
}

/**
 * Hunts one mistake, which is one mutant or several that are planted together. One that hangs has been
 * caught as well, and says so; rejects where its process breaks.
 */
export async function hunt(mutants: readonly Mutant[], options: HuntOptions): Promise<Hunt> {
  const name = mutants.map((mutant) => mutant.name).join(" and ");
  const { simulation, firstSeed, seedsMax, processMs } = options;
  const script = fileURLToPath(new URL("./hunt-process.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--conditions=@bitstore/source",
      "--no-warnings",
      script,
      simulation,
      String(firstSeed),
      String(seedsMax),
      JSON.stringify(mutants),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), processMs);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    errors += String(chunk);
  });
  const [code, signal]: unknown[] = await once(child, "close");
  clearTimeout(timer);
  if (signal === "SIGKILL") {
    const violation = `it ran for more than ${processMs} ms`;
    return { mutant: name, seed: firstSeed, tried: 0, violation };
  }
  // What breaks before the first seed says nothing of the mistake: the mutant is no valid program.
  if (code !== 0) throw new Error(`${name}: its process broke: ${errors.slice(0, 2000)}`);
  const { seed, tried, violation }: Report = JSON.parse(output);
  const isFound = violation !== undefined;
  return { mutant: name, seed: isFound ? seed : undefined, tried, violation };
}
