import { type Digest, isStoreError, type TagEntry } from "@bitstore/core";
import { tagPath } from "../tags/tag-path.ts";
import type { Api } from "../wire/api.ts";
import { type Answer, ask, type Question } from "../wire/ask.ts";
import { problemError } from "../wire/problem.ts";
import { keepReceipt } from "../wire/receipt.ts";

/**
 * Asks for a blob by its digest, and where that is refused, as it is to callers who are confined to
 * tags, through an entry of a tag that was seen to name it, which is the same for ever. Where it
 * can't be read through that either, the refusal stands.
 */
export async function askForBlob(
  api: Api,
  digest: Digest,
  question: Omit<Question, "path"> & { readonly search?: string | undefined },
): Promise<Answer> {
  const { search = "", ...rest } = question;
  const answer = await ask(api, { ...rest, path: `/v1/blobs/${digest}${search}` });
  const entry = answer.status === 403 ? api.proofs.tagOf(digest) : undefined;
  // Whether the origin has it a tag does not tell.
  if (entry === undefined || search !== "") return answer;
  const refusal = await problemError(answer);
  const through = await askThroughTag(api, digest, entry, rest);
  if (through === undefined) throw refusal;
  return through;
}

/** Resolves to a receipt for a blob that a tag names, by looking at it through that tag. */
export async function receiptThroughTag(
  api: Api,
  digest: Digest,
  question: Pick<Question, "operation" | "subject" | "signal">,
): Promise<string | undefined> {
  const entry = api.proofs.tagOf(digest);
  if (entry === undefined) return undefined;
  try {
    const answer = await askThroughTag(api, digest, entry, { ...question, method: "HEAD" });
    await answer?.drain();
    return answer === undefined ? undefined : keepReceipt(api, answer, digest);
  } catch (error) {
    // What became of the write that wanted it matters more than why there is none.
    if (isStoreError(error, "ABORTED")) throw error;
    return undefined;
  }
}

async function askThroughTag(
  api: Api,
  digest: Digest,
  { tag, seq }: Pick<TagEntry, "tag" | "seq">,
  question: Omit<Question, "path">,
): Promise<Answer | undefined> {
  // A server whose tags were lost, and began again, may have another blob at that entry.
  const headers = { ...question.headers, "if-match": `"${digest}"` };
  const path = `${tagPath(tag)}/blob`;
  const answer = await ask(api, { ...question, path, query: { seq }, headers });
  if (answer.status === 403 || answer.status === 404 || answer.status === 412) {
    await answer.drain();
    return undefined;
  }
  if (answer.status === 200 || answer.status === 206) keepReceipt(api, answer, digest);
  return answer;
}
