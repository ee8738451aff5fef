import type { ListOptions } from "@bitstore/core";
import type { BucketSuite } from "../bucket-suite.ts";
import { all } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** Puts at once while a list is prepared. */
const plantsAtOnce = 16;

/** What the cases of lists share. */
export interface ListSupport {
  /** Stores one byte under each name. */
  readonly plantAll: (prefix: string, names: readonly string[]) => Promise<void>;
  /** Lists keys under a prefix, without it. */
  readonly keysOf: (prefix: string, options?: ListOptions) => Promise<string[]>;
  /** Lists the folders one level below a prefix, without it. */
  readonly foldersOf: (prefix: string, options?: ListOptions) => Promise<string[]>;
  /** Objects that make a page full. */
  readonly page: number;
}

export function listSupport(suite: BucketSuite): ListSupport {
  return {
    page: suite.harness.listPageSize ?? 1000,
    keysOf: async (prefix, options) =>
      (await all(suite.bucket.list(prefix, options))).map(({ key }) => key.slice(prefix.length)),
    foldersOf: async (prefix, options) =>
      (await all(suite.bucket.listPrefixes(prefix, options))).map((found) =>
        found.slice(prefix.length),
      ),
    plantAll: async (prefix, names) => {
      for (let at = 0; at < names.length; at += plantsAtOnce) {
        const some = names.slice(at, at + plantsAtOnce);
        await Promise.all(some.map((name) => suite.plant(prefix + name, seededBytes(1))));
      }
    },
  };
}

export const listNeeds = ["write", "list"] as const;
