import {
  type Digest,
  isStoreError,
  parseTagName,
  StoreError,
  type TagEntry,
  type TagRetry,
  type TagWriteOptions,
  throwIfAborted,
} from "@bitstore/core";
import { type Answer, ask, type Question } from "../wire/ask.ts";
import { isProblem, readRefusal, type Refusal } from "../wire/problem.ts";
import { receiptThroughTag } from "../blobs/through-tag.ts";
import { fieldsOf } from "../wire/fields.ts";
import { readJson } from "../wire/read-json.ts";
import { receiptHeader } from "../wire/receipt.ts";
import { repeat } from "../wire/repeat.ts";
import { type Asked, neverSent } from "../wire/transport.ts";
import { checkWrite } from "./check-write.ts";
import { parseEntry } from "./parse-entry.ts";
import { learnEntry, type TagApi } from "./tag-api.ts";
import { tagPath } from "./tag-path.ts";

export interface TagWrite {
  readonly operation: string;
  readonly method: "PUT" | "PATCH" | "POST" | "DELETE";
  /** Below the tag's own path. */
  readonly below?: string | undefined;
  /** Sent as JSON; in the query of a DELETE, which has no body. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The blob that is tagged, of which a caller who is confined to tags shows a receipt. */
  readonly target?: Digest | undefined;
}

/**
 * Sends a write until it is settled, each time under the same nonce, so that it happens once whatever
 * became of the answers. INDETERMINATE, with the nonce, where it may have happened and nobody says.
 */
export async function writeTag(
  tags: TagApi,
  tag: string,
  write: TagWrite,
  options: TagWriteOptions,
): Promise<TagEntry> {
  const { api, known } = tags;
  const { operation, target } = write;
  const { signal } = options;
  parseTagName(tag);
  const asked: Asked = { operation, subject: tag, source: api.name };
  checkWrite(options, asked);
  throwIfAborted(signal, operation, tag);
  const retry: TagRetry = {
    nonce: options.nonce ?? tags.mintNonce(),
    base: options.base ?? (options.nonce === undefined ? (known.get(tag) ?? 0) : 0),
  };
  const question = questionOf(tags, tag, write, options, retry);
  let mayHaveHappened = false;
  try {
    let receipt = target === undefined ? undefined : await api.proofs.receiptOf(target);
    let hasLooked = target === undefined;
    const entry = await repeat(api, { operation, signal }, async function attempt() {
      let answer: Answer;
      try {
        answer = await ask(api, withReceipt(question, receipt));
      } catch (error) {
        mayHaveHappened ||= !isStoreError(error) || !neverSent.has(error.serviceCode ?? "");
        throw error;
      }
      if (answer.status === 200 || answer.status === 201) {
        mayHaveHappened = true;
        return parseEntry(await readJson(answer), asked);
      }
      mayHaveHappened ||= answer.status >= 500 && !isProblem(answer);
      const refusal = await readRefusal(answer);
      if (answer.status === 403 && target !== undefined && !hasLooked) {
        hasLooked = true;
        receipt = await receiptThroughTag(api, target, { operation, subject: tag, signal });
        if (receipt !== undefined) return await attempt();
      }
      throw tagError(refusal, asked);
    });
    learnEntry(tags, entry);
    return entry;
  } catch (error) {
    throw unsettled(error, asked, retry, mayHaveHappened, signal);
  }
}

function questionOf(
  { actor }: TagApi,
  tag: string,
  { method, below = "", fields, operation }: TagWrite,
  options: TagWriteOptions,
  { nonce }: TagRetry,
): Question {
  const { expect, reason, base, signal } = options;
  const said = { actor: options.actor ?? actor, reason };
  const condition: Readonly<Record<string, string>> =
    expect === undefined
      ? {}
      : expect === "absent"
        ? { "if-none-match": "*" }
        : { "if-match": `"${expect}"` };
  const hasBody = method !== "DELETE";
  return {
    method,
    path: tagPath(tag) + below,
    query: hasBody ? { base } : { base, ...said },
    headers: {
      accept: "application/json",
      "idempotency-key": nonce,
      ...condition,
      ...(hasBody ? { "content-type": "application/json" } : {}),
    },
    ...(hasBody ? { body: new TextEncoder().encode(JSON.stringify({ ...fields, ...said })) } : {}),
    operation,
    subject: tag,
    signal,
  };
}

function withReceipt(question: Question, receipt: string | undefined): Question {
  if (receipt === undefined) return question;
  return { ...question, headers: { ...question.headers, [receiptHeader]: receipt } };
}

/** Puts back on the error what the server said besides: the entry that was met, what to retry with. */
function tagError({ error, problem }: Refusal, asked: Asked): StoreError {
  if (isStoreError(error, "PRECONDITION_FAILED")) {
    const met = problem?.["current"] ?? undefined;
    return Object.assign(error, { current: met && parseEntry(met, asked) });
  }
  const retry = problem?.["retry"] ?? undefined;
  if (!isStoreError(error, "INDETERMINATE") || retry === undefined) return error;
  const fields = fieldsOf(retry, asked);
  return Object.assign(error, {
    retry: { nonce: fields.text("nonce"), base: fields.whole("base") },
  });
}

function unsettled(
  error: unknown,
  asked: Asked,
  retry: TagRetry,
  mayHaveHappened: boolean,
  signal: AbortSignal | undefined,
): unknown {
  if (!isStoreError(error) || "retry" in error) return error;
  // Whoever gave up may want it still, and is to go on with its nonce.
  if (signal?.aborted) return error === signal.reason ? error : Object.assign(error, { retry });
  if (error.code === "INDETERMINATE") return Object.assign(error, { retry });
  const isOpen = error.persistence !== "permanent" || error.code === "INTERNAL";
  if (!mayHaveHappened || !isOpen) return error;
  const message = `${error.detail}, so it may have been written; try again with its nonce`;
  const open = new StoreError({ code: "INDETERMINATE", ...asked, message, cause: error });
  return Object.assign(open, { retry });
}
