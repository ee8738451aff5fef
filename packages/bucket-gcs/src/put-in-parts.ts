import { linkedAbort } from "@bitstore/core";
import type { Part, PartReader } from "./part-reader.ts";
import { type UploadSession, uploadSession } from "./upload-session.ts";
import type { Upload, Uploaded } from "./upload.ts";

/**
 * Stores a body by a resumable upload. While one part is sent the next is read, so two are in
 * memory. Whatever goes wrong, the body's own error and an abort among it, the session is deleted
 * behind the caller's back and nothing becomes visible.
 */
export async function putInParts(
  upload: Upload,
  parts: PartReader,
  first: Part,
  size: number | undefined,
): Promise<Uploaded> {
  const linked = linkedAbort(upload.signal);
  let begun: UploadSession | undefined;
  try {
    const session = await uploadSession({ ...upload, signal: linked.signal }, size);
    if (session === "refused") return "refused";
    begun = session;
    let part = first;
    while (!part.last) {
      // Whichever fails first is what is thrown.
      const [sent, next] = await Promise.all([session.send(part), parts.next()]);
      if (sent === "refused") return "refused";
      part = next;
    }
    const uploaded = await session.send(part);
    // A session whose condition did not hold at the end has ended by that.
    begun = undefined;
    return uploaded;
  } finally {
    linked.release();
    if (begun !== undefined) {
      // A part may be on its way still, where it was the body that failed.
      linked.abort();
      upload.track(begun.abandon());
    }
  }
}
