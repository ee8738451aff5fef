/**
 * Runs one long test, or all of them: `npm run soak [NAME…]`. They take minutes and gigabytes, so
 * they are not part of `npm test`. Each prints its figures and throws where they don't hold.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServices } from "../services/start-services.ts";
import { bigBlobs } from "./big-blobs.ts";
import { faults } from "./faults.ts";
import { http } from "./http.ts";
import { killedProcess } from "./kill-matrix.ts";
import { killedServices } from "./killed-services.ts";
import { manyBlobs } from "./many-blobs.ts";
import type { Soak } from "./soak.ts";

const soaks: Readonly<Record<string, Soak>> = {
  "many-blobs": manyBlobs,
  "big-blobs": bigBlobs,
  faults,
  "killed-services": killedServices,
  "kill-matrix": killedProcess,
  http,
};

const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(soaks);
const unknown = names.filter((name) => soaks[name] === undefined);
if (unknown.length > 0) {
  throw new Error(`no soak ${unknown.join(", ")}; there are ${Object.keys(soaks).join(", ")}`);
}
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const { services, stop } = await startServices(process.env, (line) =>
  process.stderr.write(`${line}\n`),
);
try {
  for (const name of names) {
    print(`# ${name}`);
    const folder = await mkdtemp(join(tmpdir(), `bitstore-${name}-`));
    try {
      await soaks[name]?.(services, folder, print);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
} finally {
  await stop();
}
