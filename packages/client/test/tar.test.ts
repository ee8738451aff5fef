import { buffer } from "node:stream/consumers";
import { collect, isStoreError } from "@bitstore/core";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { readTar } from "../src/bulk/read-tar.ts";

// Archives as `tar-stream` writes them are read back, whatever the chunks that they come in, with
// files left unread or read in part; one that breaks off anywhere never ends cleanly.

const asked = { operation: "fetch", subject: "3 digests", source: "test" };
const files: readonly (readonly [string, Buffer])[] = [
  [`sha256/${"a".repeat(64)}`, Buffer.from("small")],
  ["empty", Buffer.alloc(0)],
  [`deep/${"n".repeat(180)}`, Buffer.alloc(1000, "x")],
  [`pax/${"é".repeat(120)}`, Buffer.alloc(512, "y")],
  ["last", Buffer.alloc(70_001, "z")],
];

async function archive(): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of files) tar.entry({ name }, bytes);
  tar.finalize();
  return await buffer(tar);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const whole = await archive();

for (const size of [1, 511, 512, 513, 10_000, 1_000_000]) {
  test(`an archive in chunks of ${size}`, async () => {
    const found: (readonly [string, Buffer])[] = [];
    for await (const file of readTar(inChunks(whole, size), asked)) {
      found.push([file.name, Buffer.from(await collect(file.body))]);
    }
    expect(found).toEqual(files);
  });
}

test("files that are left unread, or in the middle, are skipped", async () => {
  const names: string[] = [];
  for await (const file of readTar(inChunks(whole, 300), asked)) {
    names.push(file.name);
    if (names.length % 2 === 0) continue;
    for await (const chunk of file.body) if (chunk.byteLength > 0) break;
  }
  expect(names).toEqual(files.map(([name]) => name));
});

test("an archive that breaks off anywhere never ends cleanly", async () => {
  const end = whole.byteLength - 1024;
  for (const at of [0, 1, 511, 512, 516, 600, 1024, 5000, end - 1, end, end + 100]) {
    const reading = (async () => {
      for await (const file of readTar(inChunks(whole.subarray(0, at), 4000), asked)) void file;
    })();
    const error = await reading.catch((reason: unknown) => reason);
    expect(isStoreError(error, "UNAVAILABLE"), `cut at ${at}: ${String(error)}`).toBe(true);
  }
});

test("what is no archive is refused", async () => {
  const reading = collect(
    (async function* (): AsyncGenerator<Uint8Array> {
      for await (const file of readTar(inChunks(Buffer.alloc(2048, "html"), 100), asked)) {
        yield* file.body;
      }
    })(),
  );
  await expect(reading).rejects.toMatchObject({ code: "INTERNAL" });
});
