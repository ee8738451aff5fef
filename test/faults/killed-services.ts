import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Digest, hexOf } from "@bitstore/core";
import { numberedBlob } from "../acceptance/four-clouds.ts";
import { azurite } from "../services/azurite.ts";
import { fakeGcs } from "../services/fake-gcs.ts";
import { minio } from "../services/minio.ts";
import { uniqueName } from "../services/services.ts";
import { versitygw } from "../services/versitygw.ts";
import { azureCloud, type Cloud, gcsCloud, openClouds, s3Cloud } from "./clouds.ts";
import type { Cradle, MortalService } from "./mortal-service.ts";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "src", "main.ts");
const blobBytes = 2048;
const lookMs = 10;

/** A cloud that may be killed. */
export interface MortalCloud
  extends Pick<MortalService<object>, "kill" | "revive" | typeof Symbol.asyncDispose> {
  readonly cloud: Cloud;
}

/** Starts one instance of each of the four services; rejects where one can't be had. */
export async function startMortalClouds(cradle: Cradle): Promise<readonly MortalCloud[]> {
  const needed = <T>(started: T | undefined): T => {
    if (started === undefined) throw new Error("a service can't be had on this machine");
    return started;
  };
  const mortal = <E extends object>(service: MortalService<E>, cloud: Cloud): MortalCloud => ({
    cloud,
    kill: () => service.kill(),
    revive: () => service.revive(),
    [Symbol.asyncDispose]: async () => await service[Symbol.asyncDispose](),
  });
  const [s3, clone, gcs, azure] = await Promise.all([
    cradle.start(minio).then(needed),
    cradle.start(versitygw).then(needed),
    cradle.start(fakeGcs).then(needed),
    cradle.start(azurite).then(needed),
  ]);
  return [
    mortal(s3, s3Cloud("minio", s3.endpoint)),
    mortal(clone, s3Cloud("versitygw", clone.endpoint)),
    mortal(gcs, gcsCloud(gcs.endpoint)),
    mortal(azure, azureCloud(azure.endpoint)),
  ];
}

/** What a bulk fetch over services that were killed came to. */
export interface KilledFetch {
  readonly digests: number;
  readonly elapsedMs: number;
  readonly status: number | null;
  /** Lines of the report by their status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Errors of those that failed, with their number. */
  readonly errors: Readonly<Record<string, number>>;
  /** Files that are not there, or have wrong bytes. */
  readonly lost: number;
  /** Files of the directory that are none of the digests. */
  readonly strays: number;
  /** When each was killed and revived: files that were there. */
  readonly kills: readonly string[];
}

/** How a bulk fetch is disturbed. */
export interface KillPlan {
  readonly count: number;
  /** Names of the services to kill, one after the other. */
  readonly victims: readonly string[];
  /** Milliseconds that each stays dead. */
  readonly deadMs: number;
}

/**
 * Plants blobs in four tiers, each in one alone, so that a tier that is gone has to be waited for;
 * then fetches them all with the command, and kills services on the way.
 */
export async function fetchWhileKilled(
  clouds: readonly MortalCloud[],
  folder: string,
  { count, victims, deadMs }: KillPlan,
): Promise<KilledFetch> {
  const bucket = uniqueName("killed");
  const env = Object.assign({}, ...clouds.map(({ cloud }) => cloud.env)) as Record<string, string>;
  const tiers = clouds.map(({ cloud }) => ({
    name: cloud.name,
    ...cloud.tier(bucket, cloud.endpoint),
  }));
  const digests: Digest[] = [];
  const plant = async ({ cloud }: MortalCloud, at: number): Promise<void> => {
    await cloud.makeBucket(bucket);
    await using opened = await openClouds(folder, [{ ...tiers[at], origin: true }], env);
    const numbers = Array.from({ length: count }, (_, index) => index).filter(
      (index) => index % clouds.length === at,
    );
    const left = numbers.values();
    const worker = async (): Promise<void> => {
      for (const index of left) {
        digests[index] = (await opened.store.put(numberedBlob(index, blobBytes))).digest;
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  };
  await Promise.all(clouds.map(plant));
  await writeFile(join(folder, "ids.txt"), digests.map((digest) => `${digest}\n`).join(""));
  await writeFile(join(folder, "bitstore.json"), JSON.stringify({ tiers }));

  const out = join(folder, bucket);
  const startedMs = performance.now();
  const words = ["--conditions=@bitstore/source", main, "fetch", "ids.txt", "--to", bucket];
  const child = spawn(process.execPath, [...words, "--report", "report.ndjson"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = text(child.stderr);
  const closed = once(child, "close");
  const kills: string[] = [];
  for (const [turn, victim] of victims.entries()) {
    const service = clouds.find(({ cloud }) => cloud.name === victim);
    const share = (turn + 0.5) / (victims.length + 1);
    await filesReach(out, count * share, child);
    const before = await countFiles(out);
    await service?.kill();
    await pause(deadMs);
    await service?.revive();
    kills.push(`${victim} at ${before}, back at ${await countFiles(out)}`);
  }
  await closed;
  const elapsedMs = performance.now() - startedMs;
  const report = (await readFile(join(folder, "report.ndjson"), "utf8")).trimEnd().split("\n");
  const lines = report.map((line) => JSON.parse(line) as { status: string; error?: unknown });
  const failed = lines.filter(({ status }) => status !== "fetched");
  if (child.exitCode !== 0) process.stderr.write(`${(await said).slice(-2000)}\n`);
  return {
    digests: count,
    elapsedMs,
    status: child.exitCode,
    statuses: tally(lines.map(({ status }) => status)),
    errors: tally(
      failed.map(({ error }) => (JSON.stringify(error) ?? "").replaceAll(/[0-9a-f]{64}/g, "…")),
    ),
    ...(await check(out, digests)),
    kills,
  };
}

async function countFiles(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith(".")).length;
}

async function filesReach(folder: string, count: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && (await countFiles(folder)) < count) await pause(lookMs);
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

async function check(
  folder: string,
  digests: readonly Digest[],
): Promise<{ readonly lost: number; readonly strays: number }> {
  const wanted = new Set(digests.map(hexOf));
  const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
  let right = 0;
  for (const name of names.filter((each) => wanted.has(each))) {
    const hash = createHash("sha256").update(await readFile(join(folder, name)));
    if (hash.digest("hex") === name) right += 1;
  }
  return {
    lost: wanted.size - right,
    strays: names.filter((name) => !wanted.has(name)).length,
  };
}
