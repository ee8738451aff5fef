import {
  type CallOptions,
  parseTagName,
  type TagEntry,
  type TagVerification,
  throwIfAborted,
} from "@bitstore/core";
import { isAbsent } from "../blobs/open-blob.ts";
import { ask } from "../wire/ask.ts";
import { fieldsOf } from "../wire/fields.ts";
import { problemError } from "../wire/problem.ts";
import { readJson } from "../wire/read-json.ts";
import { repeat } from "../wire/repeat.ts";
import type { Asked } from "../wire/transport.ts";
import { parseEntry } from "./parse-entry.ts";
import { learnEntry, type TagApi } from "./tag-api.ts";
import { tagPath } from "./tag-path.ts";

export interface TagQuestion {
  readonly operation: string;
  /** The tag, or what else is asked for. */
  readonly subject: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Asks for JSON; undefined where the server answers that there is no such thing. */
export async function readTagJson<T>(
  { api }: TagApi,
  question: TagQuestion,
  parse: (value: unknown, asked: Asked) => T,
): Promise<T | undefined> {
  const { operation, subject, signal } = question;
  throwIfAborted(signal, operation, subject);
  return await repeat(api, { operation, signal }, async () => {
    const headers = { accept: "application/json" };
    const answer = await ask(api, { ...question, method: "GET", headers });
    if (isAbsent(answer)) {
      await answer.drain();
      return undefined;
    }
    if (answer.status !== 200) throw await problemError(answer);
    return parse(await readJson(answer), answer.asked);
  });
}

/** Reads an entry: the newest, that of a sequence, or the newest of a time. */
export async function readEntry(
  tags: TagApi,
  tag: string,
  operation: string,
  query: { readonly seq?: number; readonly at?: string },
  { signal }: CallOptions,
): Promise<TagEntry | undefined> {
  parseTagName(tag);
  const question = { operation, subject: tag, path: tagPath(tag), query, signal };
  const entry = await readTagJson(tags, question, parseEntry);
  if (entry !== undefined) learnEntry(tags, entry);
  return entry;
}

/** Has the server audit a tag's whole log, since the bytes that are hashed lie there. */
export async function verifyTag(
  tags: TagApi,
  tag: string,
  { signal }: CallOptions,
): Promise<TagVerification> {
  parseTagName(tag);
  const path = `${tagPath(tag)}/verify`;
  const question = { operation: "verify", subject: tag, path, signal };
  const found = await readTagJson(tags, question, (value, asked): TagVerification => {
    const fields = fieldsOf(value, asked);
    return {
      tag: fields.text("tag"),
      seq: fields.whole("seq"),
      sha256: fields.maybe("sha256", fields.text),
      problems: fields
        .objects("problems")
        .map((each) => ({ seq: each.whole("seq"), problem: each.text("problem") })),
    };
  });
  return found ?? { tag, seq: 0, sha256: undefined, problems: [] };
}
