import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  type BlobStore,
  bucketStore,
  type Clock,
  collect,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTemporaries } from "../src/frame/temporaries.ts";
import { oneShotBody } from "../src/input/one-shot-body.ts";
import { putFile } from "../src/input/put-file.ts";
import { openTarget } from "../src/output/open-target.ts";
import { hurriedClock } from "../src/store/hurried-clock.ts";
import { seeded, sha256 } from "./support/digests.ts";

/** Shows what a process from outside can't time: a file that changes, a target that is given up. */
describe("files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bitstore-files-"));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  const { signal } = new AbortController();
  const call = (): Parameters<typeof putFile>[2] => ({
    algorithm: "sha256",
    signal,
    stdin: Readable.from([]),
    cwd: folder,
    onBytes: () => undefined,
  });
  /** A store that does something to the file between the two passes. */
  const meddling = (meddle: () => Promise<void>): BlobStore => {
    const inner = bucketStore(memoryBucket(), shardedLayout(""));
    return {
      ...inner,
      async put(body, options) {
        await meddle();
        return await inner.put(body, options);
      },
    };
  };

  it("are stored as they were hashed, though they grow meanwhile", async () => {
    const path = join(folder, "grows");
    await writeFile(path, "first");
    const store = meddling(() => appendFile(path, " and more"));
    expect(await putFile(store, "grows", call())).toMatchObject({
      digest: sha256("first"),
      size: 5,
      outcome: "created",
    });
  });

  it("are not stored where they change meanwhile", async () => {
    const path = join(folder, "changes");
    for (const changed of ["other", "cut"]) {
      await writeFile(path, "first");
      const store = meddling(() => writeFile(path, changed));
      await expect(putFile(store, "changes", call())).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
        message: "put changes: the file changed while it was stored",
      });
      for await (const { digest } of store.list()) expect.fail(`${digest} was stored`);
    }
  });

  it("can be started again, and leave nothing where they are given up", async () => {
    const temporaries = createTemporaries();
    const path = join(folder, "target");
    {
      await using target = await openTarget(path, temporaries);
      await target.write(seeded(100_000));
      await target.restart();
      await target.write(Buffer.from("right"));
      await target.commit();
    }
    expect(await readFile(path, "utf8")).toBe("right");
    {
      await using target = await openTarget(path, temporaries);
      await target.write(Buffer.from("never to be seen"));
    }
    const abandoned = await openTarget(path, temporaries);
    await abandoned.write(Buffer.from("the process is about to end"));
    expect((await readdir(folder)).filter((name) => name.startsWith(".target."))).toHaveLength(1);
    temporaries.removeAll();
    expect((await readdir(folder)).filter((name) => name.startsWith(".target."))).toEqual([]);
    expect(await readFile(path, "utf8")).toBe("right");
    await abandoned[Symbol.asyncDispose]();
  });
});

describe("a body that can be read once", () => {
  it("says so when it is opened again, and ends by its signal while it waits", async () => {
    const controller = new AbortController();
    const once = oneShotBody(Readable.from([Buffer.from("x")]), {
      name: "-",
      signal: controller.signal,
    });
    expect(Buffer.from(await collect(once())).toString()).toBe("x");
    expect(() => once()).toThrow(/read once only/);
    const silent = new Readable({ read: () => undefined });
    const waiting = collect(oneShotBody(silent, { name: "-", signal: controller.signal })());
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(silent.destroyed).toBe(true);
  });
});

describe("the hurried clock", () => {
  it("calls back at once what waits when the signal aborts, and what waits later", () => {
    const waiting: (() => void)[] = [];
    const inner: Clock = {
      now: () => 7,
      after: (delayMs, callback) => {
        if (delayMs === 0) callback();
        else waiting.push(callback);
        return () => void waiting.splice(0);
      },
    };
    const controller = new AbortController();
    const clock = hurriedClock(controller.signal, inner);
    const calls: string[] = [];
    clock.after(1000, () => calls.push("waited"));
    clock.after(1000, () => calls.push("cancelled"))();
    expect([clock.now(), calls]).toEqual([7, []]);
    controller.abort();
    clock.after(1000, () => calls.push("late"));
    expect(calls).toEqual(["waited", "late"]);
  });
});
