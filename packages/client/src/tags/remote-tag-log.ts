import type { TagLog } from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import { checkSeq } from "./check-write.ts";
import { readHistory, readNames } from "./read-pages.ts";
import { readEntry, verifyTag } from "./read-tag.ts";
import { knownSeqs, type TagApi } from "./tag-api.ts";
import { watchTag } from "./watch-tag.ts";
import { writeTag } from "./write-tag.ts";

export interface RemoteTagOptions {
  /** For messages: the token decides which namespace it is. */
  readonly namespace: string;
  readonly actor: string | undefined;
  readonly mintNonce: () => string;
}

/** Makes the tags of another bitstore a tag log. Disposing it leaves the connections open. */
export function remoteTagLog(api: Api, { namespace, actor, mintNonce }: RemoteTagOptions): TagLog {
  const tags: TagApi = { api, actor, mintNonce, known: knownSeqs() };
  return {
    name: `${api.name} (${namespace})`,
    namespace,
    head: (tag, call = {}) => readEntry(tags, tag, "head", {}, call),
    async get(tag, seq, call = {}) {
      checkSeq(seq, 1, { operation: "get", subject: tag, source: api.name });
      return await readEntry(tags, tag, "get", { seq }, call);
    },
    async asOf(tag, time, call = {}) {
      const at = time.toISOString();
      return await readEntry(tags, tag, "asOf", { at }, call);
    },
    append(tag, digest, call = {}) {
      const { mediaType, annotations, force } = call;
      const fields = { digest, mediaType, annotations, force };
      const write = { operation: "set", method: "PUT", fields, target: digest } as const;
      return writeTag(tags, tag, write, call);
    },
    annotate(tag, annotations, call = {}) {
      const write = { operation: "annotate", method: "PATCH", fields: { annotations } } as const;
      return writeTag(tags, tag, write, call);
    },
    remove: (tag, call = {}) =>
      writeTag(tags, tag, { operation: "delete", method: "DELETE", fields: {} }, call),
    async rollback(tag, seq, call = {}) {
      checkSeq(seq, 1, { operation: "rollback", subject: tag, source: api.name });
      const write = { operation: "rollback", method: "POST", below: "/rollback" } as const;
      return await writeTag(tags, tag, { ...write, fields: { seq } }, call);
    },
    history: (tag, call = {}) => readHistory(tags, tag, call),
    list: (call = {}) => readNames(tags, call),
    watch: (tag, call = {}) => watchTag(tags, tag, call),
    verify: (tag, call = {}) => verifyTag(tags, tag, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
