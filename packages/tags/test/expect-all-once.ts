import type { Bucket } from "@bitstore/core";
import { expect } from "vitest";
import { digestFor, nonceFor, tagNameOf, writerOn } from "./race-writers.ts";

/** Fails unless each tag has one entry of each writer and no other, whole and chained. */
export async function expectAllOnce(bucket: Bucket, writers: number, tags: number): Promise<void> {
  const log = writerOn(bucket);
  const names: string[] = [];
  for await (const name of log.list()) names.push(name);
  expect(names).toEqual(Array.from({ length: tags }, (_, tag) => tagNameOf(tag)));
  for (const [tag, name] of names.entries()) {
    expect(await log.verify(name)).toMatchObject({ seq: writers, problems: [] });
    const nonces: string[] = [];
    const seqs: number[] = [];
    for await (const record of log.history(name)) {
      nonces.push(record.nonce);
      seqs.push(record.seq);
      expect(record.digest).toBe(digestFor(Number(record.nonce.slice(0, 16)), tag));
    }
    expect(seqs).toEqual(Array.from({ length: writers }, (_, n) => writers - n));
    const expected = Array.from({ length: writers }, (_, writer) => nonceFor(writer, tag));
    expect(nonces.toSorted()).toEqual(expected.toSorted());
  }
}
