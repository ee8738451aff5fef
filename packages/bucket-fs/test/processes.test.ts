import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fsBucket } from "@bitstore/bucket-fs";
import { seededBytes, seededWords } from "@bitstore/conformance";
import { describe, expect, it } from "vitest";
import { runChild, temporaryRoots } from "./fs-harness.ts";

// Several processes on one directory, some of them killed. Every child is a real process that runs
// a script of `children/`.

const fresh = temporaryRoots();
const MiB = 1024 * 1024;

describe("processes on one directory", () => {
  it("create each key once", async () => {
    const root = await fresh();
    const turns = 200;
    const children = [1, 2, 3, 4].map(() => runChild("race.ts", [root, "create", `${turns}`]));
    const won = await Promise.all(children.map((child) => child.output));
    expect(won.reduce((sum, count) => sum + Number(count), 0)).toBe(turns);
    const bucket = await fsBucket({ root });
    const pids = new Set(children.map((child) => String(child.process.pid)));
    for (let turn = 0; turn < turns; turn += 1) {
      const text = Buffer.from((await (await bucket.read(`blob-${turn}`))?.bytes()) ?? []);
      const writers = new Set(text.toString().split(":").slice(0, -1));
      expect(writers.size, "one writer's bytes, whole").toBe(1);
      expect(pids).toContain([...writers][0]);
    }
  });

  it("lose no update under ifVersion", async () => {
    const root = await fresh();
    const bucket = await fsBucket({ root });
    await bucket.put("counter", Buffer.from("0"));
    const children = [1, 2, 3].map(() => runChild("race.ts", [root, "count", "60"]));
    await Promise.all(children.map((child) => child.output));
    const content = await bucket.read("counter");
    expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe("180");
    expect(await readdir(join(root, ".tmp-bitstore"))).toEqual([]);
  });
});

describe("a writer that is killed", () => {
  it("leaves nothing half written under a name, and no lock that stays", async () => {
    const root = await fresh();
    const random = seededWords(7);
    const kills = 25;
    for (let kill = 0; kill < kills; kill += 1) {
      const child = runChild("write-for-ever.ts", [root, String(kill * 1000 + 1)]);
      await Promise.race([once(child.process.stdout ?? child.process, "data"), child.output]);
      // The moment is arbitrary on purpose: what must hold, holds at every moment.
      await new Promise((resolve) => setTimeout(resolve, random() % 60));
      child.process.kill("SIGKILL");
      await once(child.process, "close");
      const bucket = await fsBucket({ root });
      for await (const { key, size } of bucket.list("")) {
        const bytes = Buffer.from((await (await bucket.read(key))?.bytes()) ?? []);
        expect(bytes.byteLength).toBe(size);
        const seed = bytes.readUInt32LE();
        const whole = seededBytes(1000 + (seed % 7) * 50_000, seed);
        expect(Buffer.compare(bytes.subarray(4), whole), `${key} of ${seed}`).toBe(0);
      }
    }
    // Whatever locks the dead hold, the living replace and delete after lockStaleMs.
    const bucket = await fsBucket({ root, lockStaleMs: 200 });
    for await (const { key } of bucket.list("")) {
      await bucket.put(key, Buffer.from("new"));
      expect(await bucket.delete(key)).toBe(true);
    }
  }, 120_000);
});

describe("resources", () => {
  it("a big blob is put and read in flat memory", async () => {
    const root = await fresh();
    const peak = async (size: number): Promise<number> =>
      Number(await runChild("big-blob.ts", [root, String(size)]).output);
    const small = await peak(16 * MiB);
    const big = await peak(512 * MiB);
    expect(big - small).toBeLessThan(64 * MiB);
  });

  it("too many open files are UNAVAILABLE, and pass", async () => {
    const { output } = runChild("many-reads.ts", [await fresh()], "ulimit -n 120");
    expect(JSON.parse(await output)).toEqual({ codes: ["UNAVAILABLE"], after: 1 });
  });
});
