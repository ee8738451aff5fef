import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyReader } from "../src/body-reader.ts";
import { spareRooms } from "../src/spare-rooms.ts";

// A body is cut anew into pieces of the reader's choice: nothing lost, nothing twice, and what is
// handed out is never rewritten.

describe("a body reader", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });

  it("gives the same bytes in pieces of any size", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 50 }), fc.boolean(), async (...given) => {
        const [chunks, piece, intoRooms] = given;
        const whole = Buffer.from(
          Array.from({ length: chunks.reduce((a, b) => a + b, 0) }, (_, at) => at % 256),
        );
        const reader = bodyReader(async function* () {
          let at = 0;
          for (const size of chunks) yield whole.subarray(at, (at += size));
        });
        const found: Uint8Array[] = [];
        while (!(await reader.ended())) {
          found.push(await reader.take(piece, intoRooms ? () => Buffer.alloc(piece) : undefined));
        }
        expect(Buffer.concat(found).equals(whole)).toBe(true);
        for (const each of found.slice(0, -1)) expect(each.byteLength).toBe(piece);
        expect((await reader.take(piece)).byteLength).toBe(0);
      }),
    );
  });

  it("hands out a chunk of the right size as it is", async () => {
    const chunk = Buffer.alloc(10);
    const reader = bodyReader(async function* () {
      yield chunk;
    });
    expect(await reader.take(10, () => expect.fail("no room is needed"))).toBe(chunk);
  });

  it("rejects what waits when it is stopped, and closes the body", async () => {
    let closed = 0;
    const reader = bodyReader(() => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          closed += 1;
          return { done: true, value: undefined };
        },
      }),
    }));
    const taking = reader.take(1);
    reader.stop("enough");
    reader.stop("again");
    await expect(taking).rejects.toBe("enough");
    expect(closed).toBe(1);
  });
});

describe("spare rooms", () => {
  it("are given again once they were put back, in the same size only", () => {
    const rooms = spareRooms();
    const first = rooms.take(10);
    expect(rooms.take(10).buffer).not.toBe(first.buffer);
    rooms.put(first.subarray(0, 4));
    const again = rooms.take(10);
    expect(again.buffer).toBe(first.buffer);
    expect(again.byteLength).toBe(10);
    rooms.put(again);
    expect(rooms.take(20).byteLength).toBe(20);
    expect(rooms.take(10).buffer).not.toBe(first.buffer);
  });

  it("never take what is somebody else's", () => {
    const rooms = spareRooms();
    const foreign = new Uint8Array(10);
    rooms.put(foreign);
    expect(rooms.take(10).buffer).not.toBe(foreign.buffer);
  });
});
