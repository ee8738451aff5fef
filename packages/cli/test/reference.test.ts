import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { cliReference } from "../src/reference/cli-reference.ts";

/** Shows that docs/cli.md says what the commands declare; test/docs/write-cli-reference.ts writes it. */
it("docs/cli.md is up to date", async () => {
  const path = new URL("../../../docs/cli.md", import.meta.url);
  expect(await readFile(path, "utf8")).toBe(cliReference());
});
