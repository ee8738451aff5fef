import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { cloudsOf } from "./clouds.ts";
import { killMatrix, killOperations } from "./kill-matrix.ts";

// The command is killed at random moments of its run, eight times for each operation on a
// directory and four times on MinIO, and what it leaves is looked at: nothing acknowledged is lost, and nothing half-written has a blob's name.
// `npm run soak kill-matrix` does the same two hundred times, and prints the table. What a write-back
// journal survives is shown by its own package.

const rounds = 8;
const minio = cloudsOf(inject("services")).find(({ name }) => name === "minio");

test("a command that is killed loses nothing acknowledged and leaves nothing half-written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bitstore-kills-"));
  try {
    const operations = await killOperations(folder, minio);
    const results = await killMatrix(
      operations,
      ({ name }) => (name.endsWith("minio") ? rounds / 2 : rounds),
      operations.length,
    );
    for (const { name, violations } of results) expect(violations, name).toEqual([]);
    const killed = results.reduce((sum, each) => sum + each.killed, 0);
    expect(killed, "kills that came before the end").toBeGreaterThan(rounds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
