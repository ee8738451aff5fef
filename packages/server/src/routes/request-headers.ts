import { receiptHeader } from "../access/receipts.ts";
import { ndjsonMedia } from "../wire/digest-list.ts";
import type { DeclaredHeader } from "./declaration.ts";

type Headers = Readonly<Record<string, DeclaredHeader>>;

const digests = "(sha1:[0-9a-f]{40}|(sha256|sha3-256|blake3):[0-9a-f]{64}|sha512:[0-9a-f]{128})";
const digestTag: RegExp = new RegExp(`^"${digests}"$`);

export const uploadHeaders: Headers = {
  Expect: {
    description: "`100-continue`: what is refused is refused before the body is sent.",
    values: ["100-continue"],
  },
};

export const conditionHeaders: Headers = {
  "If-None-Match": { description: '`"digest"`: 304 where it is there.', pattern: digestTag },
  "If-Match": { description: '`"digest"`: 412 for any other.', pattern: digestTag },
};

export const rangeHeaders: Headers = {
  Range: {
    description: "`bytes=0-99`, `bytes=100-` or `bytes=-100`; of several ranges none is heeded.",
    pattern: /^bytes=(\d{1,9}-|-\d{1,9})$/,
  },
  "If-Range": {
    description: "The entity tag without which the whole blob is sent.",
    pattern: digestTag,
  },
};

export const listHeaders: Headers = {
  Accept: { description: `\`application/json\` or \`${ndjsonMedia}\`.` },
};

export const tagReadHeaders: Headers = {
  "If-None-Match": {
    description: '`"seq"`: 304 where it has not moved.',
    pattern: /^"\d{1,9}"$/,
  },
};

export const tagWriteHeaders: Headers = {
  "If-Match": {
    description:
      'Writes only where the tag is at `"seq"` or points to `"digest"`; `*`: to anything.',
    pattern: new RegExp(`^("(\\d{1,9}|${digests})"|\\*)$`),
    example: '"6"',
  },
  "If-None-Match": {
    description: "`*`: writes only where the tag is absent or deleted; not beside If-Match.",
    values: ["*"],
  },
  "Idempotency-Key": {
    description:
      "Stands for this write: sent again with the same key, nothing is written twice. 32 hex " +
      "digits are the entry's nonce.",
    pattern: /^[\w-]{1,255}$/,
  },
};

export const receiptHeaders: Headers = {
  [receiptHeader]: {
    description: "Of the answer that gave or took the blob, for callers confined to tags.",
    pattern: /^[\w.-]{1,200}$/,
  },
};

export const watchHeaders: Headers = {
  "Last-Event-ID": {
    description: "The last sequence that was seen; goes before `since`.",
    pattern: /^\d{1,9}$/,
  },
};
