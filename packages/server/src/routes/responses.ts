import { problemSchema } from "../openapi/schemas.ts";
import { problemMedia } from "../wire/problem.ts";
import type { DeclaredResponse } from "./declaration.ts";

/** What a blob is sent as where nobody recorded what it is. */
export const bytesMedia = "application/octet-stream";

/** Declares an answer that is an error. */
export function problem(description: string): DeclaredResponse {
  return { description, media: problemMedia, schema: problemSchema };
}
