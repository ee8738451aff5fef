import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "./with-lock.ts";

// Real folders in a temporary directory; the "other run" is this process asking twice.
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("two tasks under one lock do not overlap, and the second says that it waits", async () => {
  const lock = join(folder, "lock");
  const events: string[] = [];
  const task = (name: string) => async (): Promise<void> => {
    events.push(`${name} begins`);
    await sleep(50);
    events.push(`${name} ends`);
  };
  const first = withLock(lock, () => expect.unreachable(), task("first"));
  await sleep(10);
  await Promise.all([first, withLock(lock, () => events.push("second waits"), task("second"))]);
  expect(events).toEqual([
    "first begins",
    "second waits",
    "first ends",
    "second begins",
    "second ends",
  ]);
  expect(await readdir(folder)).toEqual([]);
});

test("a lock whose owner gave no sign for long is taken over", async () => {
  const lock = join(folder, "lock");
  await mkdir(lock);
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(lock, anHourAgo, anHourAgo);
  expect(
    await withLock(
      lock,
      () => undefined,
      () => Promise.resolve(7),
    ),
  ).toBe(7);
});

test("a task that fails gives the lock back", async () => {
  const lock = join(folder, "lock");
  const failure = withLock(
    lock,
    () => undefined,
    () => Promise.reject(new Error("broken")),
  );
  await expect(failure).rejects.toThrow("broken");
  expect(await readdir(folder)).toEqual([]);
});
