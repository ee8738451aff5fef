import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { type KeyLock, keyLock } from "../src/key-lock.ts";
import { temporaryRoots } from "./fs-harness.ts";

// The lock of a key: one holder at a time, a dead holder is passed over, and one that was only
// asleep finds that it has lost the lock and begins anew. Two KeyLocks on one directory stand for
// two processes; the second's clock is driven by hand, so that nobody waits.

const fresh = temporaryRoots();

function lockOn(directory: string, clock: Clock = systemClock, who = "a"): KeyLock {
  let nonces = 0;
  const nonce = (): string => {
    nonces += 1;
    return `${who}${nonces}`;
  };
  return keyLock({ directory, source: "file:///test/", clock, nonce, lockStaleMs: 1000 });
}

/** A clock on which every wait is over at once, and takes its time. */
function hastyClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    after: (delayMs, callback) => {
      now += delayMs;
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
}

const idle = { operation: "put", signal: undefined };

describe("the lock of a key", () => {
  it("has one holder at a time", async () => {
    const lock = lockOn(await fresh());
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 12 }, () =>
        lock.hold("key", {
          ...idle,
          finish: async (folder) => {
            inside += 1;
            most = Math.max(most, inside);
            await writeFile(join(folder, "x"), "");
            inside -= 1;
          },
        }),
      ),
    );
    expect(most).toBe(1);
  });

  it("keeps other keys free", async () => {
    const lock = lockOn(await fresh());
    const order: string[] = [];
    await lock.hold("a", {
      ...idle,
      finish: async () => {
        await lock.hold("b", { ...idle, finish: () => Promise.resolve(order.push("b")) });
        order.push("a");
      },
    });
    expect(order).toEqual(["b", "a"]);
  });

  it("is taken from a holder that never lets go", async () => {
    const directory = await fresh();
    let letGo = (): void => undefined;
    const asleep = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const entered = Promise.withResolvers<void>();
    const first = lockOn(directory).hold("key", {
      ...idle,
      finish: async () => {
        entered.resolve();
        await asleep;
      },
    });
    await entered.promise;
    const second = lockOn(directory, hastyClock(), "b");
    expect(await second.hold("key", { ...idle, finish: () => Promise.resolve("got it") })).toBe(
      "got it",
    );
    letGo();
    await first;
    expect(await readdir(directory)).toEqual([]);
  });

  it("fences a holder that was asleep: it can't finish, and begins anew", async () => {
    const directory = await fresh();
    const target = join(directory, "target");
    const body = join(directory, "body");
    await writeFile(body, "of the sleeper");
    const seen: string[] = [];
    await lockOn(directory).hold("key", {
      ...idle,
      body,
      finish: async (folder) => {
        seen.push(await readFile(target, "utf8").catch(() => "nothing"));
        if (seen.length === 1) {
          // Between the sleeper's look and its rename another takes the lock and finishes.
          await lockOn(directory, hastyClock(), "b").hold("key", {
            ...idle,
            finish: async (theirs) => {
              await writeFile(join(theirs, "body"), "of the other");
              await rename(join(theirs, "body"), target);
            },
          });
        }
        await rename(join(folder, "body"), target);
      },
    });
    // Its second look saw what the other had done, so no update was lost.
    expect(seen).toEqual(["nothing", "of the other"]);
    expect(await readFile(target, "utf8")).toBe("of the sleeper");
  });

  it("is passed on where its holder was killed after finishing", async () => {
    const directory = await fresh();
    const lock = lockOn(directory);
    let path = "";
    await lock.hold("key", {
      ...idle,
      finish: (folder) => Promise.resolve((path = folder)),
    });
    // What a kill between the rename and the release leaves: an empty folder in the lock.
    await mkdir(path, { recursive: true });
    const second = lockOn(directory, hastyClock(), "b");
    expect(await second.hold("key", { ...idle, finish: () => Promise.resolve(1) })).toBe(1);
  });

  it("an abort ends the wait, and leaves nothing", async () => {
    const directory = await fresh();
    const controller = new AbortController();
    const lock = lockOn(directory);
    await lock.hold("key", {
      ...idle,
      finish: async () => {
        const waiting = lock.hold("key", {
          operation: "put",
          signal: controller.signal,
          finish: () => Promise.reject(new Error("it must not be held by two")),
        });
        controller.abort();
        await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
      },
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it("an error of the work is the caller's, and frees the lock", async () => {
    const directory = await fresh();
    const lock = lockOn(directory);
    const own = new Error("own");
    const failing = lock.hold("key", { ...idle, finish: () => Promise.reject(own) });
    await expect(failing).rejects.toBe(own);
    expect(await readdir(directory)).toEqual([]);
  });
});
