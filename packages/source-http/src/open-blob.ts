import { type Content, type Digest, isWhole, type OpenOptions } from "@bitstore/core";
import { ask } from "./ask.ts";
import { blobContent } from "./blob-content.ts";
import type { Exchange } from "./exchange.ts";
import { commonHeaders, failedAnswer, type HttpApi } from "./http-api.ts";
import { planRead } from "./read-plan.ts";
import { meaningOf } from "./status-table.ts";

/**
 * Opens a blob by GET; undefined where the API says that it has none. `release` is called once the
 * read is over, however it ends, and also where this rejects.
 */
export async function openBlob(
  api: HttpApi,
  digest: Digest,
  { range, version, signal }: OpenOptions,
  operation: string,
  release: () => void,
): Promise<Content | undefined> {
  const { asking, settings, source } = api;
  const asked = { operation, subject: digest, source };
  const headers: Record<string, string> = { ...commonHeaders };
  if (range !== undefined && !isWhole(range)) {
    headers["range"] = `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
  }
  if (version !== undefined) headers["if-match"] = version;
  let answer: Exchange | undefined;
  try {
    answer = await ask(asking, { ...asked, method: "GET", url: api.url(digest), headers, signal });
    const meaning = meaningOf(answer.status);
    if (meaning.kind === "bytes") {
      const plan = planRead(answer, { ...asked, range, version }, settings);
      return blobContent(answer, plan, asked, settings, release, signal);
    }
    if (meaning.kind === "failure") throw failedAnswer(api, answer, meaning, asked);
  } catch (error) {
    giveBack(answer, release);
    throw error;
  }
  giveBack(answer, release);
  return undefined;
}

/** Keeps the slot until the answer that nobody reads is gone, but lets nobody wait for that. */
function giveBack(answer: Exchange | undefined, release: () => void): void {
  if (answer === undefined) release();
  else void answer.drain().then(release);
}
