import { writeFile } from "node:fs/promises";
import { cliReference } from "../../packages/cli/src/reference/cli-reference.ts";

/** Writes docs/cli.md anew: node --conditions=@bitstore/source test/docs/write-cli-reference.ts */
await writeFile(new URL("../../docs/cli.md", import.meta.url), cliReference());
