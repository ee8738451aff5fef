import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pythonEnvironment } from "./python-environment.ts";

// Where Python can't be had the tests that want it are skipped with a reason, and fail where they
// are required. Both are shown on a PATH without Python, and with requirements that nobody meets.
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-python-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

test("without Python there is a reason", async () => {
  const environment = { PATH: folder, XDG_CACHE_HOME: folder };
  expect(await pythonEnvironment(requirements, environment)).toEqual({
    python: undefined,
    reason: "there is no python3 on PATH",
  });
});

test("without Python it throws where BITSTORE_TEST_REQUIRE names it", async () => {
  const environment = { PATH: folder, BITSTORE_TEST_REQUIRE: "s3, python" };
  await expect(pythonEnvironment(requirements, environment)).rejects.toThrow(
    /BITSTORE_TEST_REQUIRE names python, .* no python3 on PATH/,
  );
});

test("requirements that can't be read are a reason too", async () => {
  const environment = { PATH: process.env["PATH"], XDG_CACHE_HOME: folder };
  const nowhere = join(folder, "requirements.txt");
  const found = await pythonEnvironment(nowhere, environment);
  expect(found).toMatchObject({ python: undefined, reason: expect.stringMatching(/./) });
});
