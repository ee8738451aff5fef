import { type Digest, parseDigest } from "@bitstore/core";
import { hinted } from "../frame/hinted.ts";

/**
 * Reads an argument that names one blob: a digest in any form that `parseDigest` takes.
 *
 * @throws UNSUPPORTED for `@TAG`, as long as there are no tags; INVALID_ARGUMENT for all else.
 */
export function parseBlobArgument(text: string): Digest {
  if (text.startsWith("@")) {
    throw hinted({
      code: "UNSUPPORTED",
      operation: "",
      message: `tags do not exist yet in this release, so ${JSON.stringify(text.slice(0, 80))} names nothing`,
      hint: "name the blob by its digest, such as sha256:9f86d0…",
    });
  }
  return parseDigest(text);
}
