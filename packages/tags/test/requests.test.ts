import { type FaultyBucket, faultyBucket, noFaults } from "@bitstore/conformance";
import { memoryBucket, type TagLog } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { digestFor, writerOn } from "./race-writers.ts";

// What each operation asks of the bucket, counted there: the table of the protocol. A handle asks
// once whether it may read or write this bucket at all, which is not counted here.

interface Counted {
  readonly bucket: FaultyBucket;
  /** A handle that has read and written, but remembers no tag of a test. */
  readonly cold: () => Promise<TagLog>;
  /** What was asked since the last time, such as `1 list, 1 read`. */
  readonly asked: () => string;
}

function counted(): Counted {
  const bucket = faultyBucket(memoryBucket(), noFaults);
  const operations = ["list", "listPrefixes", "head", "read", "put", "delete"] as const;
  let before: Readonly<Record<string, number>> = {};
  return {
    bucket,
    cold: async () => {
      const log = writerOn(bucket);
      await log.append("warm-up", digestFor(0, 0));
      return log;
    },
    asked: () => {
      const now = Object.fromEntries(operations.map((each) => [each, bucket.ledger.calls(each)]));
      const words = operations.flatMap((each) => {
        const count = (now[each] ?? 0) - (before[each] ?? 0);
        return count === 0 ? [] : [`${count} ${each}`];
      });
      before = now;
      return words.join(", ");
    },
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function fill(log: TagLog, tag: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await log.append(tag, digestFor(n, 0));
}

describe("requests of reads", () => {
  it("a known head costs none while it is young, and one read after", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    await fill(log, "tag", 3);
    asked();
    await log.head("tag", { maxAgeMs: 60_000 });
    expect(asked()).toBe("");
    await log.head("tag");
    expect(asked()).toBe("1 read");
    await log.head("absent");
    expect(asked()).toBe("1 list");
    await log.head("absent");
    expect(asked()).toBe("1 read");
  });

  for (const entries of [1, 10, 1000]) {
    it(`an unknown head of ${entries} entries costs a list and a read`, async () => {
      const { cold, asked } = counted();
      await fill(await cold(), "tag", entries);
      const log = await cold();
      asked();
      expect((await log.head("tag"))?.seq).toBe(entries);
      expect(asked()).toBe("1 list, 1 read");
      expect((await log.get("tag", 1))?.seq).toBe(1);
      expect(asked()).toBe("1 read");
    });
  }

  it("a head that fell behind is caught up with by reads, and by a list where it is far", async () => {
    const { cold, asked } = counted();
    const [writer, reader] = [await cold(), await cold()];
    await fill(writer, "tag", 1);
    await reader.head("tag");
    await fill(writer, "tag", 2);
    asked();
    expect((await reader.head("tag"))?.seq).toBe(3);
    expect(asked(), "two that are there, one that is not").toBe("3 read");
    await fill(writer, "tag", 100);
    asked();
    expect((await reader.head("tag"))?.seq).toBe(103);
    expect(asked(), "four, then as if it were unknown").toBe("1 list, 5 read");
  });

  it("16 records of history cost what the head does, and 17 more a read", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    await fill(log, "tag", 40);
    asked();
    expect(await all(log.history("tag", { limit: 17 }))).toHaveLength(17);
    expect(asked()).toBe("1 read");
    expect(await all(log.history("tag", { limit: 34 }))).toHaveLength(34);
    expect(asked()).toBe("2 read");
    const other = await cold();
    asked();
    expect(await all(other.history("tag", { limit: 16 }))).toHaveLength(16);
    expect(asked()).toBe("1 list, 1 read");
  });

  it("a time is found in a logarithm of reads", async () => {
    const { cold, asked } = counted();
    await fill(await cold(), "tag", 1000);
    const log = await cold();
    const times = new Map<number, Date>();
    for (const seq of [1, 500, 984, 999, 1000]) {
      times.set(seq, new Date((await log.get("tag", seq))?.time ?? 0));
    }
    await log.head("tag");
    for (const [seq, time] of times) {
      asked();
      expect((await log.asOf("tag", time))?.seq).toBe(seq);
      const reads = Number(/^(\d+) read$/.exec(asked())?.[1]);
      expect(reads, `reads for sequence ${seq}`).toBeLessThanOrEqual(seq > 980 ? 3 : 12);
    }
  });
});

describe("requests of writes", () => {
  it("a set of a known tag is one put", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    await fill(log, "tag", 1);
    asked();
    await log.append("tag", digestFor(1, 0));
    expect(asked()).toBe("1 put");
    await log.append("tag", digestFor(2, 0), { expect: 2 });
    expect(asked()).toBe("1 put");
    await log.annotate("tag", { key: "value" });
    expect(asked()).toBe("1 put");
  });

  it("a set of an unknown tag lists and reads before", async () => {
    const { cold, asked } = counted();
    await fill(await cold(), "tag", 3);
    const log = await cold();
    asked();
    await log.append("tag", digestFor(1, 0));
    expect(asked()).toBe("1 list, 1 read, 1 put");
    await log.append("new", digestFor(1, 0));
    expect(asked()).toBe("1 list, 1 put");
  });

  it("a lost race costs a read and a put more", async () => {
    const { cold, asked } = counted();
    const [winner, loser] = [await cold(), await cold()];
    await fill(winner, "tag", 1);
    await loser.head("tag");
    await fill(winner, "tag", 1);
    asked();
    expect((await loser.append("tag", digestFor(9, 0))).seq).toBe(3);
    expect(asked()).toBe("1 read, 2 put");
  });

  it("a delete writes a marker and a tombstone, and the next set removes the marker", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    await fill(log, "tag", 1);
    asked();
    await log.remove("tag");
    expect(asked()).toBe("2 put");
    await log.append("tag", digestFor(1, 0));
    expect(asked()).toBe("1 list, 1 put, 1 delete");
  });

  it("a write that is tried again under its nonce costs reads, and no put", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    const nonce = "0".repeat(32);
    await log.append("tag", digestFor(1, 0), { nonce, base: 0 });
    asked();
    await log.append("tag", digestFor(1, 0), { nonce, base: 0 });
    expect(asked()).toBe("1 read");
  });
});

describe("requests of lists", () => {
  it("names cost two lists, and a read or two for each marker", async () => {
    const { cold, asked } = counted();
    const log = await cold();
    for (let tag = 0; tag < 1000; tag += 1) await log.append(`many/${tag}`, digestFor(tag, 0));
    asked();
    expect(await all(log.list({ prefix: "many/" }))).toHaveLength(1000);
    expect(asked()).toBe("1 list, 1 listPrefixes");
    for (let tag = 0; tag < 10; tag += 1) await log.remove(`many/${tag}`);
    asked();
    expect(await all(log.list({ prefix: "many/" }))).toHaveLength(990);
    expect(asked()).toBe("1 list, 1 listPrefixes, 20 read");
    expect(await all(log.list({ prefix: "many/", deleted: true }))).toHaveLength(1000);
    expect(asked()).toBe("1 listPrefixes");
  });
});

describe("requests of a first use", () => {
  it("a handle looks once at the metadata's description", async () => {
    const { bucket, cold, asked } = counted();
    await fill(await cold(), "tag", 1);
    asked();
    const log = writerOn(bucket);
    await log.head("tag");
    expect(asked()).toBe("1 list, 2 read");
    await log.head("tag");
    expect(asked()).toBe("1 read");
    await log.append("tag", digestFor(1, 0));
    expect(asked(), "it may also write").toBe("1 read, 1 put");
    await log.append("tag", digestFor(2, 0));
    expect(asked()).toBe("1 put");
  });
});
