import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hexOf } from "@bitstore/core";
import { fourClouds, plantMany, tierNames } from "../acceptance/four-clouds.ts";
import { type BitstoreRun, runBitstore } from "../acceptance/run-bitstore.ts";
import { hold, mebibytes, type Soak } from "./soak.ts";

const count = 20_000;
const blobBytes = 4096;
/** How much more memory the second half of a run may take than the first. */
const growthBytesMax = 32 * 2 ** 20;

/** Fetches twenty thousand small blobs over four tiers, twice: what is lost, asked, and held. */
export const manyBlobs: Soak = async (services, folder, print) => {
  await using clouds = await fourClouds(services, folder);
  const digests = await plantMany(clouds, count, blobBytes);
  await writeFile(join(folder, "ids.txt"), digests.map((digest) => `${digest}\n`).join(""));
  const { env } = clouds;
  for (const to of ["first", "second"]) {
    for (const tier of tierNames) clouds.proxies[tier].reset();
    const run = await runBitstore(["fetch", "ids.txt", "--to", to], {
      cwd: folder,
      env,
      sampleMs: 50,
    });
    print(run.stderr.trim());
    hold(run.status === 0, `the ${to} run ends with status 0, not ${run.status}`);
    const requests = tierNames.map((tier) => `${tier} ${clouds.proxies[tier].requests()}`);
    const [firstHalf, secondHalf] = halves(run);
    print(
      `${to} run: ${(run.elapsedMs / 1000).toFixed(1)} s, requests ${requests.join(", ")}; ` +
        `resident at most ${mebibytes(run.residentBytesMax)}, ` +
        `${mebibytes(firstHalf)} in its first half, ${mebibytes(secondHalf)} in its second`,
    );
    hold(secondHalf - firstHalf < growthBytesMax, "memory is flat");
    await check(join(folder, to), new Set(digests.map(hexOf)));
    if (to === "second") {
      const behind = tierNames.map((tier) => clouds.proxies[tier].requests());
      hold(
        behind.every((each) => each === 0),
        "the second run asks no tier behind the cache",
      );
    }
  }
  print(`${count} digests: none lost, none wrong, in both runs`);
};

/** The highest resident memory of each half of a run. */
function halves({ residentBytes }: BitstoreRun): readonly [number, number] {
  const middle = Math.floor(residentBytes.length / 2);
  return [Math.max(...residentBytes.slice(0, middle)), Math.max(...residentBytes.slice(middle))];
}

async function check(folder: string, expected: ReadonlySet<string>): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
  hold(names.length === expected.size, `${names.length} files are ${expected.size}`);
  for (const name of names) {
    hold(expected.has(name), `${name} was asked for`);
    const actual = createHash("sha256").update(await readFile(join(folder, name)));
    hold(actual.digest("hex") === name, `${name} has the right bytes`);
  }
}
