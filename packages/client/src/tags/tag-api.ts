import type { TagEntry } from "@bitstore/core";
import type { Api } from "../wire/api.ts";

/** One server's tags, as the operations of the log ask them. */
export interface TagApi {
  readonly api: Api;
  /** Who writes, where a call does not say. */
  readonly actor: string | undefined;
  /** 128 bits as 32 lower-case hex digits, never the same twice. */
  readonly mintNonce: () => string;
  readonly known: KnownSeqs;
}

/** Remembers of an entry that was read what later requests go by. */
export function learnEntry({ api, known }: TagApi, { tag, seq, target }: TagEntry): void {
  known.learn(tag, seq);
  if (target !== undefined) api.proofs.learnTag(target.digest, { tag, seq });
}

/** The newest sequence that was seen of each tag: from where on a write is looked for. */
export interface KnownSeqs {
  get(tag: string): number | undefined;
  learn(tag: string, seq: number): void;
}

const knownMax = 10_000;

/** Remembers a sequence each of the tags that were used last. */
export function knownSeqs(): KnownSeqs {
  const seqs = new Map<string, number>();
  return {
    get: (tag) => seqs.get(tag),
    learn(tag, seq) {
      const newest = Math.max(seq, seqs.get(tag) ?? 0);
      seqs.delete(tag);
      seqs.set(tag, newest);
      const [oldest] = seqs.keys();
      if (seqs.size > knownMax && oldest !== undefined) seqs.delete(oldest);
    },
  };
}
