/**
 * Runs one benchmark of this folder, or lists them: `npm run bench [NAME]`. Each is a script of its
 * own that prints figures side by side, as ratios of one run.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && file !== "run.ts")
  .map((file) => file.slice(0, -".ts".length))
  .sort();
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  process.stderr.write(
    `usage: npm run bench NAME [ARGUMENT…], with NAME one of ${names.join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  // The script reads its own arguments where it would find them if it were run alone.
  process.argv.splice(1, process.argv.length - 1, join(import.meta.dirname, `${name}.ts`), ...rest);
  await import(`./${name}.ts`);
}
