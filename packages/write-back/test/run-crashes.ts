/** Runs histories until one shows a violation. Arguments: first seed, how many. Prints JSON. */
import { crashHistory } from "./crash-history.ts";

const [first = "1", count = "100"] = process.argv.slice(2);
let acknowledged = 0;
let crashes = 0;
let ran = 0;
let found: { seed: number; violations: readonly string[] } | undefined;
for (let seed = Number(first); ran < Number(count) && found === undefined; seed += 1) {
  const history = await crashHistory(seed);
  ran += 1;
  acknowledged += history.acknowledged;
  crashes += history.crashes;
  if (history.violations.length > 0) found = { seed, violations: history.violations };
}
console.log(JSON.stringify({ ran, acknowledged, crashes, found }));
process.exit(process.exitCode ?? 0);
