import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes, seededRandom } from "@bitstore/conformance";
import { loadConfig, openComposite, openTags } from "@bitstore/config";
import { type Digest, isStoreError, parseDigest } from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBitstore } from "../../acceptance/run-bitstore.ts";
import { afterPowerLoss, layOut, type Loss } from "./after-power-loss.ts";
import { type DiskModel, readDisk } from "./disk-model.ts";
import { canRecord, recordBitstore, type Recording } from "./record-calls.ts";
import { replay } from "./replay.ts";

// The command runs under strace, and its calls are replayed on a model of a disk that keeps nothing
// but what was synced. At every moment the power fails: what was acknowledged by then is there, and
// what has a blob's name is that blob, whichever part of the rest has survived.

const random = seededRandom(7);
const losses: readonly Loss[] = [
  { kind: "dropped" },
  { kind: "zeros" },
  { kind: "chance", random: () => random.next() },
  { kind: "chance", random: () => random.next() },
];

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bitstore-power-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function newFolder(name: string, blobs: number): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (let blob = 0; blob < blobs; blob += 1) {
    await writeFile(join(folder, `${blob}.bin`), seededBytes(2000 + 700 * blob, blob));
  }
  return folder;
}

const filesOf = (blobs: number): string[] =>
  Array.from({ length: blobs }, (_, blob) => `${blob}.bin`);
const isRight = (hex: string, bytes: Uint8Array): boolean =>
  createHash("sha256").update(bytes).digest("hex") === hex;
const blobName = /^sha256\/[0-9a-f]{2}\/[0-9a-f]{2}\/([0-9a-f]{64})$/;
const printedDigests = (printed: string): string[] =>
  [...printed.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, hex]) => hex ?? "");

/** Looks at each moment of a recording whose folder lies below the command's own. */
async function atEachMoment(
  { calls }: Recording,
  folder: string,
  model: DiskModel,
  look: (files: ReadonlyMap<string, Buffer>, loss: Loss, printed: string) => void | Promise<void>,
): Promise<number> {
  return await replay(calls, folder, model, async ({ printed }) => {
    for (const loss of losses) await look(afterPowerLoss(model, loss), loss, printed);
  });
}

/** Numbers of moments at which something was lost, or half-written and visible. */
async function violationsOfPut(
  recording: Recording,
  folder: string,
  model: DiskModel,
): Promise<{ readonly moments: number; readonly lost: number; readonly torn: number }> {
  let [lost, torn] = [0, 0];
  const moments = await atEachMoment(recording, folder, model, (files, loss, printed) => {
    const there = new Set<string>();
    for (const [path, bytes] of files) {
      const [, hex] = blobName.exec(path) ?? [];
      if (hex === undefined) continue;
      if (isRight(hex, bytes)) there.add(hex);
      else torn += 1;
    }
    if (loss.kind !== "dropped") return;
    if (printedDigests(printed).some((hex) => !there.has(hex))) lost += 1;
  });
  return { moments, lost, torn };
}

describe.skipIf(!canRecord())("a loss of power at any moment", () => {
  test("of a put into a directory loses nothing acknowledged, and shows nothing half", async () => {
    const folder = await newFolder("put", 5);
    await mkdir(join(folder, "blobs"));
    const model = await readDisk(join(folder, "blobs"));
    const args = ["put", ...filesOf(5), "--tier", "./blobs?origin=true"];
    const recording = await recordBitstore(args, folder, join(root, "put-traces"));
    expect(recording.status, recording.stderr).toBe(0);
    expect(printedDigests(recording.stdout)).toHaveLength(5);
    const { moments, ...violations } = await violationsOfPut(recording, folder, model);
    expect(moments).toBeGreaterThan(40);
    expect(violations).toEqual({ lost: 0, torn: 0 });
    // The model's own worth: a disk that ignores its syncs shows what would be lost without them.
    for (const [name, expected] of [
      ["no sync at all", ["lost"]],
      ["no sync of folders", ["lost"]],
      ["no sync of files", ["lost", "torn"]],
    ] as const) {
      const without = withoutSyncs(recording, name);
      const empty = join(root, `empty-${name}`);
      await mkdir(join(empty, "blobs"), { recursive: true });
      const careless = await readDisk(join(empty, "blobs"));
      const found = await violationsOfPut(
        { ...without, calls: without.calls.map((call) => moved(call, folder, empty)) },
        empty,
        careless,
      );
      for (const kind of expected) expect(found[kind], `${name}: ${kind}`).toBeGreaterThan(0);
    }
  });

  test("of a tag that is set keeps each one that was acknowledged", async () => {
    const folder = await newFolder("tags", 2);
    await writeFile(
      join(folder, "bitstore.json"),
      JSON.stringify({
        tiers: [{ name: "ours", url: "./blobs", origin: true }],
        metadata: "./metadata",
      }),
    );
    const put = await runBitstore(["put", ...filesOf(2)], { cwd: folder });
    const digests = printedDigests(put.stdout);
    expect(digests).toHaveLength(2);
    for (const [turn, hex] of digests.entries()) {
      const model = await readDisk(folder);
      const args = ["tag", "set", "models/best", `sha256:${hex}`];
      const traces = join(root, `tag-traces-${turn}`);
      const recording = await recordBitstore(args, folder, traces);
      expect(recording.status, recording.stderr).toBe(0);
      let looks = 0;
      let wasPrinted = false;
      await atEachMoment(recording, folder, model, async (files, loss, printed) => {
        for (const [path, bytes] of files) {
          if (!path.startsWith("metadata/v1/") || !path.endsWith(".json")) continue;
          expect(() => JSON.parse(bytes.toString()), path).not.toThrow();
        }
        if (printed === "" || wasPrinted || loss.kind !== "dropped") return;
        wasPrinted = true;
        looks += 1;
        const found = join(root, `tag-found-${turn}`);
        await layOut(files, found);
        expect(await headOf(found)).toBe(`sha256:${hex}`);
      });
      expect(looks).toBe(1);
    }
  }, 240_000);

  test("of a fill into a disk cache may lose blobs, and never gives a wrong one", async () => {
    const folder = await newFolder("fill", 3);
    const config = {
      tiers: [
        { name: "cache", url: "./cache", role: "cache", bytesMax: "1MiB" },
        { name: "ours", url: "./blobs", origin: true },
      ],
    };
    await writeFile(join(folder, "bitstore.json"), JSON.stringify(config));
    const put = await runBitstore(["put", ...filesOf(3)], { cwd: folder });
    const digests = printedDigests(put.stdout).map((hex) => parseDigest(`sha256:${hex}`));
    expect(digests).toHaveLength(3);
    await writeFile(join(folder, "ids.txt"), digests.join("\n"));
    const model = await readDisk(folder);
    const args = ["fetch", "ids.txt", "--to", "out"];
    const recording = await recordBitstore(args, folder, join(root, "fill-traces"));
    expect(recording.status, recording.stderr).toBe(0);
    // Opening a cache takes some milliseconds, so not every moment is looked at; its last one is.
    const total = await replay(recording.calls, folder, await readDisk(folder), () => undefined);
    const every = Math.ceil(total / 12);
    let looks = 0;
    await replay(recording.calls, folder, model, async ({ index }) => {
      if (index % every !== 0 && index !== total - 1) return;
      const loss = losses[looks % losses.length] ?? { kind: "dropped" };
      const found = join(root, `fill-found-${looks}`);
      looks += 1;
      await layOut(afterPowerLoss(model, loss), found);
      await expectRightReads(found, digests);
      // A fetch that goes on where the power failed ends with the right files, torn ones included.
      if (looks % 8 === 7) await expectFetchGoesOn(found, digests);
      await rm(found, { recursive: true });
    });
    expect(looks).toBeGreaterThan(8);
  }, 240_000);
});

/** Reads by way of the cache, and from the cache alone. */
async function expectRightReads(folder: string, digests: readonly Digest[]): Promise<void> {
  const config = await loadConfig({ cwd: folder, env: {}, file: join(folder, "bitstore.json") });
  await using opened = await openComposite(config, { env: {} });
  const cache = { ...config, tiers: config.tiers.slice(0, 1) };
  {
    await using alone = await openComposite(cache, { env: {} });
    for (const digest of digests) {
      try {
        const bytes = await (await alone.store.open(digest))?.bytes();
        if (bytes !== undefined) expect(isRight(digest.slice(7), bytes)).toBe(true);
      } catch (error) {
        // A torn copy is found out and told; it is not handed out.
        expect(isStoreError(error, "UNAVAILABLE"), String(error)).toBe(true);
      }
    }
  }
  for (const digest of digests) {
    const bytes = await (await opened.store.open(digest))?.bytes();
    expect(isRight(digest.slice(7), bytes ?? new Uint8Array(0))).toBe(true);
  }
}

async function expectFetchGoesOn(folder: string, digests: readonly Digest[]): Promise<void> {
  const again = await runBitstore(["fetch", "ids.txt", "--to", "out"], { cwd: folder });
  expect(again.status, again.stderr).toBe(0);
  const files = afterPowerLoss(await readDisk(join(folder, "out")), { kind: "dropped" });
  for (const digest of digests) {
    const hex = digest.slice(7);
    expect(isRight(hex, files.get(hex) ?? Buffer.alloc(0)), hex).toBe(true);
  }
}

async function headOf(folder: string): Promise<string | undefined> {
  const config = await loadConfig({ cwd: folder, env: {}, file: join(folder, "bitstore.json") });
  await using opened = await openComposite(config, { env: {} });
  return (await openTags(opened).head("models/best"))?.target?.digest;
}

/** The same calls on a disk that does not sync, or a command that does not ask it to. */
function withoutSyncs(recording: Recording, which: string): Recording {
  const folders = new Set<number>();
  const calls = recording.calls
    .toSorted((one, other) => (one.endNs < other.endNs ? -1 : 1))
    .filter(({ name, words, result }) => {
      if (name === "openat") {
        if (words.some((word) => word.includes("O_DIRECTORY"))) folders.add(result);
        else folders.delete(result);
      }
      if (name !== "fsync" && name !== "fdatasync") return true;
      const isFolder = folders.has(Number(words[0]));
      if (which === "no sync at all") return false;
      return which === "no sync of folders" ? !isFolder : isFolder;
    });
  return { ...recording, calls };
}

/** The same call on the same files of another folder. */
function moved(call: Recording["calls"][number], from: string, to: string): typeof call {
  const isPath = (bytes: Buffer): boolean => bytes.toString().startsWith(`${from}/`);
  return {
    ...call,
    strings: call.strings.map((bytes) =>
      isPath(bytes) ? Buffer.from(bytes.toString().replace(from, to)) : bytes,
    ),
  };
}
