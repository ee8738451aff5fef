import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cloudsOf } from "../faults/clouds.ts";
import { killMatrix, killOperations, killTable } from "../faults/kill-matrix.ts";
import { hold, type Soak } from "./soak.ts";

const rounds = Number(process.env["BITSTORE_SOAK_KILLS"] ?? 200);

/** Kills the command at random moments of each operation, and the write-back journal's own test. */
export const killedProcess: Soak = async (services, folder, print) => {
  const minio = cloudsOf(services).find(({ name }) => name === "minio");
  const results = await killMatrix(await killOperations(folder, minio), () => rounds, 2);
  for (const line of killTable(results)) print(line);
  for (const { violations } of results) for (const each of violations) print(`  ${each}`);
  hold(
    results.every(({ violations }) => violations.length === 0),
    "nothing acknowledged is lost and nothing half-written is visible",
  );
  const status = await killWriteBack();
  print(`| write-back | ${rounds} | ${rounds} | - | ${status === 0 ? 0 : "see above"} |`);
  hold(status === 0, "the write-back journal loses nothing");
};

/** The journal's own test, with as many kills: it puts, uploads and takes over without a pause. */
async function killWriteBack(): Promise<number | null> {
  const root = join(import.meta.dirname, "..", "..");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const words = ["run", "packages/write-back/test/kill.test.ts", "--reporter=dot"];
  const child = spawn(process.execPath, [vitest, ...words], {
    cwd: root,
    env: { ...process.env, BITSTORE_TEST_SERVICES: "none", BITSTORE_KILLS: String(rounds) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await once(child, "close");
  return child.exitCode;
}
