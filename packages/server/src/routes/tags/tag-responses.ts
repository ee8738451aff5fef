import type { DeclaredResponse } from "../declaration.ts";
import { tagEntrySchema } from "../../openapi/schemas.ts";
import { problem } from "../responses.ts";

/** The largest sequence that can be said. */
export const seqMax: number = Number.MAX_SAFE_INTEGER;

/** Declares an answer that is an entry of a tag. */
export function entryResponse(description: string): DeclaredResponse {
  return {
    description,
    media: "application/json",
    schema: tagEntrySchema,
    headers: { ETag: "The sequence in quotes." },
  };
}

/** What of a tag's routes can be malformed. */
export const badName: DeclaredResponse = problem(
  "The name, the query, a header or the body is malformed.",
);

/** What the routes of one tag share. */
export const tagPath: {
  readonly path: "/v1/tags/{tag}";
  readonly group: "tags";
  readonly confined: "tag";
} = { path: "/v1/tags/{tag}", group: "tags", confined: "tag" };
