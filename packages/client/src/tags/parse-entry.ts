import {
  type Digest,
  StoreError,
  type TagEntry,
  type TagOperation,
  type TagRecord,
  type TagTarget,
} from "@bitstore/core";
import { type Fields, fieldsOf } from "../wire/fields.ts";
import type { Asked } from "../wire/transport.ts";

const operations: ReadonlySet<string> = new Set(["set", "delete", "restore", "annotate"]);

/**
 * Reads an entry of a tag's log. @throws INTERNAL for anything that is none, UNSUPPORTED for one of an
 * operation that a later release wrote: it is refused, never skipped.
 */
export function parseEntry(value: unknown, asked: Asked): TagEntry {
  const fields = fieldsOf(value, asked, "the entry");
  const { text, whole, maybe } = fields;
  const target = maybe("target", fields.object);
  const prev = maybe("prev", fields.object);
  // In the order of a manifest, so that what is printed reads the same wherever it came from.
  return {
    namespace: text("namespace"),
    tag: text("tag"),
    seq: whole("seq"),
    op: operationOf(fields, asked),
    target: target && parseTarget(target, asked),
    restored: maybe("restored", whole),
    prev: prev && { seq: prev.whole("seq"), sha256: prev.text("sha256") },
    nonce: text("nonce"),
    actor: text("actor"),
    client: text("client"),
    time: text("time"),
    reason: maybe("reason", text),
    annotations: maybe("annotations", fields.words),
    recent: fields.objects("recent").map((each) => parseRecord(each, asked)),
    sha256: text("sha256"),
  };
}

function parseTarget(fields: Fields, asked: Asked): TagTarget {
  const { text, whole, maybe } = fields;
  const digestOf = (digest: string): Digest =>
    fieldsOf({ digest }, asked, "alsoKnownAs").digest("digest");
  return {
    digest: fields.digest("digest"),
    size: maybe("size", whole),
    mediaType: maybe("mediaType", text),
    alsoKnownAs: maybe("alsoKnownAs", (name) => fields.texts(name).map(digestOf)),
  };
}

/** Reads what history shows of an entry. */
export function parseRecord(fields: Fields, asked: Asked): TagRecord {
  const { text, whole, maybe } = fields;
  return {
    seq: whole("seq"),
    op: operationOf(fields, asked),
    digest: maybe("digest", fields.digest),
    size: maybe("size", whole),
    time: text("time"),
    actor: text("actor"),
    reason: maybe("reason", text),
    nonce: text("nonce"),
  };
}

function operationOf(fields: Fields, asked: Asked): TagOperation {
  const op = fields.text("op");
  if (operations.has(op)) return op as TagOperation;
  const message = `an entry's operation is ${JSON.stringify(op.slice(0, 40))}; this client is older`;
  throw new StoreError({ code: "UNSUPPORTED", ...asked, message });
}
