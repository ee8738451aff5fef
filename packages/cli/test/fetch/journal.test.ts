import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../src/fetch/journal.ts";

// What a fetch remembers of the files that it wrote. Neither the journal nor the files are synced, so
// it must forget all that it knew once the machine was started anew, and begin again where it is
// damaged: either way the files are hashed.

const stamp = { size: 5, mtimeNs: 1_700_000_000_123_456_789n, ino: 42n };
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-journal-"));
  path = join(folder, "journal.sqlite");
  using journal = openJournal(path, "first boot");
  journal.stamp("sha256:aa", stamp);
});
afterEach(() => rm(folder, { recursive: true }));

it("knows a file again in the next run", () => {
  using journal = openJournal(path, "first boot");
  expect(journal.stampOf("sha256:aa")).toEqual(stamp);
});

it("forgets what it knew where the machine was started anew, for good", () => {
  {
    using journal = openJournal(path, "second boot");
    expect(journal.stampOf("sha256:aa")).toBeUndefined();
    journal.stamp("sha256:bb", stamp);
  }
  using journal = openJournal(path, "second boot");
  expect(journal.stampOf("sha256:bb")).toEqual(stamp);
});

it.each([
  ["zeros", Buffer.alloc(8192)],
  ["half a page of noise", Buffer.alloc(2048, "noise")],
])("begins again where a loss of power left %s", async (_what, bytes) => {
  await writeFile(path, bytes);
  using journal = openJournal(path, "first boot");
  expect(journal.stampOf("sha256:aa")).toBeUndefined();
  journal.stamp("sha256:aa", stamp);
  journal.commit();
  expect(journal.stampOf("sha256:aa")).toEqual(stamp);
});

it("refuses a journal of a later format, and leaves it", async () => {
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  expect(() => openJournal(path, "first boot")).toThrow(/can't be used/);
  const again = new DatabaseSync(path);
  expect(again.prepare("PRAGMA user_version").get()?.["user_version"]).toBe(99);
  again.close();
});
