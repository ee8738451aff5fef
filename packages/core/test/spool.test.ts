import { isSpoolOverrun, type Spool, spoolOpener, type SpoolReadOptions } from "@bitstore/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { someBytes } from "./scripted-tier.ts";

const KiB = 1024;
const data = someBytes(2 ** 20);

async function writeAll(spool: Spool, bytes: Uint8Array, chunkBytes = 16 * KiB): Promise<void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await spool.write(bytes.subarray(at, at + chunkBytes));
  }
  spool.end();
}

async function readAll(
  spool: Spool,
  from = 0,
  options: SpoolReadOptions = {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of spool.read(from, options)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

describe("the spool", () => {
  // Far more than memory goes through, to readers that start at different offsets and times.
  test("gives every reader the same bytes, over memory and file", async () => {
    const opened = await spoolOpener({ memoryBytesMax: 64 * KiB, spoolBytesMax: 2 ** 20 })();
    await using spool = opened!;
    const readers = [0, 1, 100_000].map((from) => readAll(spool, from));
    await writeAll(spool, data);
    const late = readAll(spool, 5);
    expect(await readers[0]).toEqual(Buffer.from(data));
    expect(await readers[1]).toEqual(Buffer.from(data.subarray(1)));
    expect(await readers[2]).toEqual(Buffer.from(data.subarray(100_000)));
    expect(await late).toEqual(Buffer.from(data.subarray(5)));
    expect(spool.start).toBe(0);
  });

  // The writer is not let run away from its only reader, so memory is bounded by the window.
  test("holds the writer back near its fastest reader", async () => {
    const opened = await spoolOpener({ memoryBytesMax: 64 * KiB })();
    await using spool = opened!;
    const reader = spool.read(0);
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < data.length; at += 16 * KiB) {
        await spool.write(data.subarray(at, at + 16 * KiB));
        written = at + 16 * KiB;
      }
      spool.end();
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(written).toBeLessThanOrEqual(80 * KiB);
    let read = 0;
    for await (const chunk of reader) {
      read += chunk.byteLength;
      expect(written - read).toBeLessThanOrEqual(80 * KiB);
    }
    await writing;
    expect(read).toBe(data.length);
  });

  // Capacity is a quarter of the data: a reader that stands still is overrun, and told where.
  test("overruns a reader that lags by more than it keeps", async () => {
    const opened = await spoolOpener({ memoryBytesMax: 16 * KiB, spoolBytesMax: 256 * KiB })();
    await using spool = opened!;
    const slow = spool.read(0);
    const fast = readAll(spool);
    await writeAll(spool, data);
    expect(await fast).toEqual(Buffer.from(data));
    const error = await slow.next().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(isSpoolOverrun(error) && error.offset).toBe(0);
  });

  // A fill holds: the writer waits for it rather than overrun it.
  test("never overruns a reader that holds", async () => {
    const opened = await spoolOpener({ memoryBytesMax: 16 * KiB, spoolBytesMax: 128 * KiB })();
    await using spool = opened!;
    const fast = readAll(spool);
    const chunks: Uint8Array[] = [];
    const slow = (async () => {
      for await (const chunk of spool.read(0, { hold: true })) {
        chunks.push(chunk.slice());
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all([writeAll(spool, data), slow, fast]);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(data));
  });

  test("gives the writer's error after what was written", async () => {
    const opened = await spoolOpener()();
    await using spool = opened!;
    const reading = (async () => {
      const seen: number[] = [];
      try {
        for await (const chunk of spool.read(0)) seen.push(chunk.byteLength);
      } catch (error) {
        return { seen, error };
      }
      return { seen, error: undefined };
    })();
    await spool.write(data.subarray(0, 10));
    spool.end(new Error("broke off"));
    const { seen, error } = await reading;
    expect(seen).toEqual([10]);
    expect(error).toMatchObject({ message: "broke off" });
  });

  test("lets a reader go when its signal aborts, also while it waits", async () => {
    const opened = await spoolOpener()();
    await using spool = opened!;
    const controller = new AbortController();
    const waiting = spool.read(0, { signal: controller.signal }).next();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("shares one budget, and gives it back", async () => {
    const open = spoolOpener({ spoolsBytesMax: 100, spoolBytesMax: 60 });
    const first = await open();
    expect(await open()).toBeUndefined();
    const small = await open(40);
    expect(small).toBeDefined();
    await first?.[Symbol.asyncDispose]();
    await small?.[Symbol.asyncDispose]();
    expect(await open()).toBeDefined();
  });

  // Any sizes of chunks, window and capacity: what a reader gets is a prefix of the data, whole
  // unless it was overrun.
  test("is right for any sizes", async () => {
    const sizes = fc.record({
      chunkBytes: fc.integer({ min: 1, max: 9000 }),
      memoryBytesMax: fc.integer({ min: 1, max: 20_000 }),
      spoolBytesMax: fc.integer({ min: 9000, max: 60_000 }),
      readers: fc.integer({ min: 1, max: 4 }),
      length: fc.integer({ min: 0, max: 80_000 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ chunkBytes, readers, length, ...limits }) => {
        const opened = await spoolOpener(limits)();
        await using spool = opened!;
        const bytes = data.subarray(0, length);
        const reads = Array.from({ length: readers }, () =>
          readAll(spool, 0, { hold: true }).catch((error: unknown) => error),
        );
        await writeAll(spool, bytes, chunkBytes);
        for (const read of await Promise.all(reads)) expect(read).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 60 },
    );
  });
});
