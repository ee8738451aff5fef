import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type OpenComposite, openTags } from "@bitstore/config";
import { type BlobStore, type Digest, parseDigest } from "@bitstore/core";
import { numberedBlob } from "../acceptance/four-clouds.ts";
import { openClouds, type TierDraft } from "./clouds.ts";

/** What the command does while it is killed, and what must hold afterwards. */
export interface KillOperation {
  readonly name: string;
  /** Makes what a round needs; resolves to the command's arguments. */
  prepare(round: number): Promise<readonly string[]>;
  /** Tells what does not hold, from what the command had printed when it was killed. */
  check(round: number, printed: string): Promise<readonly string[]>;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
}

const blobsPerRound = 6;
const sizes = [900, 20_000, 5000, 300_000, 70_000, 1];

const hexOfBytes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const digestsIn = (printed: string): Digest[] =>
  // A line that was cut off by the kill was not acknowledged to anybody.
  [...printed.matchAll(/^(sha256:[0-9a-f]{64}) .*\n/gm)].map(([, each]) => parseDigest(each ?? ""));

function blobsOf(round: number): readonly Uint8Array[] {
  return Array.from({ length: blobsPerRound }, (_, at) =>
    numberedBlob(round * 1000 + at, sizes[at % sizes.length] ?? 1).slice(),
  );
}

/** Puts files into a tier: what was printed is there, and what is there is whole. */
export async function putOperation(
  name: string,
  folder: string,
  tier: TierDraft,
  env: Readonly<Record<string, string>>,
): Promise<KillOperation> {
  await writeConfig(folder, { tiers: [{ ...tier, name: "origin", origin: true }] });
  return {
    name,
    folder,
    env,
    async prepare(round) {
      const names = blobsOf(round).map((_, at) => `${round}-${at}.bin`);
      for (const [at, bytes] of blobsOf(round).entries()) {
        await writeFile(join(folder, names[at] ?? ""), bytes);
      }
      return ["put", ...names];
    },
    async check(_round, printed) {
      await using opened = await openClouds(folder, [{ ...tier, name: "origin" }], env);
      return await wrongIn(opened, digestsIn(printed));
    },
  };
}

/** Names what was acknowledged and is gone, and what is there and wrong. */
async function wrongIn(
  { store }: OpenComposite,
  acknowledged: readonly Digest[],
): Promise<readonly string[]> {
  const source: BlobStore = store.tiers[0]?.source ?? store;
  const right = new Set<Digest>();
  const wrong: string[] = [];
  for await (const { digest, size } of source.list()) {
    const bytes = await (await source.open(digest))?.bytes();
    const isRight = bytes !== undefined && `sha256:${hexOfBytes(bytes)}` === digest;
    if (isRight && bytes.byteLength === size) right.add(digest);
    else wrong.push(`${digest} is half-written`);
  }
  for (const digest of acknowledged) {
    if (!right.has(digest)) wrong.push(`${digest} was acknowledged, and is gone`);
  }
  return wrong;
}

/** Fetches into a directory by way of a disk cache: each name holds its blob, and it goes on. */
export async function fetchOperation(
  name: string,
  folder: string,
  tier: TierDraft,
  env: Readonly<Record<string, string>>,
): Promise<KillOperation> {
  const cache = { name: "cache", url: "./cache", role: "cache", bytesMax: "64MiB" };
  const origin = { ...tier, name: "origin", origin: true };
  await writeConfig(folder, { tiers: [cache, origin] });
  return {
    name,
    folder,
    env,
    async prepare(round) {
      await using opened = await openClouds(folder, [origin], env);
      const digests: Digest[] = [];
      for (const bytes of blobsOf(round)) digests.push((await opened.store.put(bytes)).digest);
      await writeFile(join(folder, "ids.txt"), digests.join("\n"));
      return ["fetch", "ids.txt", "--to", "out"];
    },
    async check(round) {
      const wrong: string[] = [];
      for (const file of await readdir(join(folder, "out")).catch(() => [])) {
        if (file.startsWith(".")) continue;
        const bytes = await readFile(join(folder, "out", file));
        if (hexOfBytes(bytes) !== file) wrong.push(`out/${file} is half-written`);
      }
      // The cache alone, and then by way of it: some of it may be lost, none of it may be wrong.
      await using alone = await openClouds(folder, [cache], env);
      wrong.push(...(await wrongIn(alone, [])));
      await using opened = await openClouds(folder, [cache, origin], env);
      for (const bytes of blobsOf(round)) {
        const hex = hexOfBytes(bytes);
        const content = await opened.store.open(parseDigest(`sha256:${hex}`));
        const read = (await content?.bytes()) ?? new Uint8Array(0);
        if (hexOfBytes(read) !== hex) wrong.push(`${hex} is wrong by way of the cache`);
      }
      return wrong;
    },
  };
}

/** Appends to a tag: the one that was acknowledged last is its head, or the one under way is. */
export async function tagOperation(
  name: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<KillOperation> {
  const tiers = [{ name: "origin", url: "./blobs", origin: true }];
  await writeConfig(folder, { tiers, metadata: "./metadata" });
  await mkdir(join(folder, "blobs"), { recursive: true });
  const tag = "models/best";
  let acknowledgedSeq = 0;
  return {
    name,
    folder,
    env,
    async prepare(round) {
      await using opened = await openClouds(folder, tiers, env);
      const { digest } = await opened.store.put(numberedBlob(round, 500).slice());
      return ["tag", "set", tag, digest, "--json"];
    },
    async check(round, printed) {
      const wrong: string[] = [];
      const hex = hexOfBytes(numberedBlob(round, 500));
      await using opened = await openClouds(folder, tiers, env, {}, "./metadata");
      const log = openTags(opened);
      const head = await log.head(tag);
      const seq = head?.seq ?? 0;
      const isAcknowledged = printed.includes("\n");
      if (isAcknowledged && head?.target?.digest !== `sha256:${hex}`) {
        wrong.push(`the tag that was set to ${hex} names ${head?.target?.digest ?? "nothing"}`);
      }
      if (seq < acknowledgedSeq) wrong.push(`sequence ${acknowledgedSeq} went back to ${seq}`);
      acknowledgedSeq = Math.max(acknowledgedSeq, seq);
      if (head === undefined) return wrong;
      let expected = seq;
      for await (const entry of log.history(tag)) {
        if (entry.seq !== expected) wrong.push(`sequence ${expected} is missing`);
        expected -= 1;
      }
      const found = await log.verify(tag);
      if (found.problems.length > 0)
        wrong.push(...found.problems.map(({ seq: at, problem }) => `${at}: ${problem}`));
      return wrong;
    },
  };
}

async function writeConfig(folder: string, config: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "bitstore.json"), JSON.stringify(config));
}
