import { writeFile } from "node:fs/promises";
import { httpReference, openApiText, staticDocument } from "@bitstore/server";

/**
 * Writes docs/openapi.json and docs/http-api.md anew:
 * node --conditions=@bitstore/source test/docs/write-http-reference.ts
 */
const docs = new URL("../../docs/", import.meta.url);
await writeFile(new URL("openapi.json", docs), openApiText(staticDocument()));
await writeFile(new URL("http-api.md", docs), httpReference(staticDocument()));
