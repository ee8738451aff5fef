import {
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
import { fieldsOf } from "../wire/fields.ts";
import { readJson } from "../wire/read-json.ts";
import { repeat } from "../wire/repeat.ts";
import { type Asked, neverSent } from "../wire/transport.ts";
import { checkWrite } from "./check-write.ts";
import { parseEntry } from "./parse-entry.ts";
import { type TagApi, tagPath } from "./tag-api.ts";

export interface TagWrite {
  readonly operation: string;
  readonly method: "PUT" | "PATCH" | "POST" | "DELETE";
  /** Below the tag's own path. */
  readonly below?: string | undefined;
  /** Sent as JSON; in the query of a DELETE, which has no body. */
  readonly fields: Readonly<Record<string, unknown>>;
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
  const { operation } = write;
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
    const entry = await repeat(api, { operation, signal }, async () => {
      let answer: Answer;
      try {
        answer = await ask(api, question);
      } catch (error) {
        mayHaveHappened ||= !isStoreError(error) || !neverSent.has(error.serviceCode ?? "");
        throw error;
      }
      if (answer.status === 200 || answer.status === 201) {
        mayHaveHappened = true;
        return parseEntry(await readJson(answer), asked);
      }
      mayHaveHappened ||= answer.status >= 500 && !isProblem(answer);
      throw tagError(await readRefusal(answer), asked);
    });
    known.learn(tag, entry.seq);
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
