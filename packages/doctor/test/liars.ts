import {
  type Bucket,
  collect,
  contentOfBytes,
  isStoreError,
  type ObjectInfo,
  openBody,
  StoreError,
} from "@bitstore/core";
import { faultyBucket, inTurn } from "@bitstore/conformance";

/** A bucket that breaks one promise, and the probes that must say so, all others must not. */
export interface Liar {
  readonly what: string;
  readonly fails: readonly string[];
  readonly mutate: (inner: Bucket) => Partial<Bucket>;
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function denied(operation: string, serviceCode = "AccessDenied"): StoreError {
  return new StoreError({ code: "PERMISSION_DENIED", operation, message: "denied", serviceCode });
}

/** Lists everything and then changes what the list says. */
function relisted(
  inner: Bucket,
  change: (items: ObjectInfo[]) => ObjectInfo[],
): Pick<Bucket, "list"> {
  return {
    async *list(prefix, options = {}) {
      const items: ObjectInfo[] = [];
      for await (const item of inner.list(prefix, { ...options, limit: undefined }))
        items.push(item);
      yield* change(items).slice(0, options.limit);
    },
  };
}

export const liars: readonly Liar[] = [
  {
    what: "is not there",
    fails: ["reachable"],
    mutate: (inner) => faultyBucket(inner, () => ({ fail: "UNAVAILABLE" })),
  },
  {
    what: "is in another region",
    fails: ["reachable", "redirects"],
    mutate: (inner) => {
      const fail = new StoreError({
        code: "CONFIG_INVALID",
        operation: "head",
        message: "the bucket is in region eu-west-1: set region=eu-west-1",
        serviceCode: "PermanentRedirect",
      });
      return faultyBucket(inner, () => ({ fail }));
    },
  },
  {
    what: "denies lists",
    fails: ["list"],
    mutate: (inner) =>
      faultyBucket(inner, (c) => (c.operation === "list" ? { fail: denied("list") } : undefined)),
  },
  {
    what: "denies writes",
    fails: ["write"],
    mutate: () => ({ put: () => Promise.reject(denied("put")) }),
  },
  {
    what: "denies deletes",
    fails: ["delete"],
    mutate: () => ({ delete: () => Promise.reject(denied("delete")) }),
  },
  {
    what: "acknowledges deletes and does not delete",
    fails: ["delete", "list-after-write"],
    mutate: () => ({ delete: () => Promise.resolve(true) }),
  },
  {
    what: "says that nothing was there when it deletes",
    fails: ["delete"],
    mutate: (inner) => ({ delete: async (key, call) => (await inner.delete(key, call)) && false }),
  },
  {
    what: "denies reads",
    fails: ["read"],
    mutate: () => ({ read: () => Promise.reject(denied("read")) }),
  },
  {
    what: "denies what is absent",
    fails: ["absence"],
    mutate: (inner) => ({
      read: async (key, call) => {
        const content = await inner.read(key, call);
        if (content === undefined && key.includes("absent")) throw denied("read");
        return content;
      },
    }),
  },
  {
    what: "denies lists and what is absent, as S3 does without the right to list",
    fails: ["list", "absence"],
    mutate: (inner) =>
      faultyBucket(
        {
          ...inner,
          head: async (key, call) => {
            const info = await inner.head(key, call);
            if (info === undefined) throw denied("head");
            return info;
          },
          read: async (key, call) => {
            const content = await inner.read(key, call);
            if (content === undefined) throw denied("read");
            return content;
          },
        },
        inTurn({ list: { fail: denied("list") } }),
      ),
  },
  {
    what: "has a page for what is absent",
    fails: ["absence"],
    mutate: (inner) => ({
      read: async (key, call) => {
        const content = await inner.read(key, call);
        if (content !== undefined || !key.includes("absent")) return content;
        return contentOfBytes({ size: 2, source: inner.name }, new Uint8Array(2));
      },
    }),
  },
  {
    what: "ignores ifAbsent",
    fails: ["create-twice", "racing-creators"],
    mutate: (inner) => ({
      put: async (key, body, call = {}) => {
        await inner.put(key, body, { ...call, ifAbsent: false });
        return call.ifAbsent === true ? "created" : "replaced";
      },
    }),
  },
  {
    what: "checks, and then creates",
    fails: ["racing-creators"],
    mutate: (inner) => ({
      put: async (key, body, call = {}) => {
        if (call.ifAbsent !== true) return await inner.put(key, body, call);
        if ((await inner.head(key)) !== undefined) return "existed";
        await tick();
        await inner.put(key, body, { ...call, ifAbsent: false });
        return "created";
      },
    }),
  },
  {
    what: "remembers that there was nothing",
    fails: ["read-after-write"],
    mutate: (inner) => {
      const missed = new Set<string>();
      return {
        read: async (key, call) => {
          if (missed.has(key)) return undefined;
          const content = await inner.read(key, call);
          if (content === undefined) missed.add(key);
          return content;
        },
      };
    },
  },
  {
    what: "reads what was there before",
    fails: ["read-after-write"],
    mutate: (inner) => {
      const first = new Map<string, Uint8Array>();
      return {
        put: async (key, body, call) => {
          const bytes = await collect(openBody(body));
          if (key.includes("consistent") && !first.has(key)) first.set(key, bytes);
          return await inner.put(key, bytes, call);
        },
        read: async (key, call) => {
          const old = first.get(key);
          if (old === undefined) return await inner.read(key, call);
          return contentOfBytes({ size: old.byteLength, source: inner.name }, old);
        },
      };
    },
  },
  {
    what: "lists what was put a moment later",
    fails: ["list-after-write"],
    mutate: (inner) => {
      let newest = "";
      return {
        put: async (key, body, call) => {
          const outcome = await inner.put(key, body, call);
          newest = key.includes("listed") ? key : "";
          return outcome;
        },
        ...relisted(inner, (items) => items.filter(({ key }) => key !== newest)),
      };
    },
  },
  {
    what: "lists by UTF-16",
    fails: ["list-order"],
    mutate: (inner) =>
      relisted(inner, (items) => items.toSorted((a, b) => (a.key < b.key ? -1 : 1))),
  },
  {
    what: "lists the newest first",
    fails: ["list-after-write", "list-order"],
    mutate: (inner) => relisted(inner, (items) => items.toReversed()),
  },
  {
    what: "ignores the limit of a list",
    fails: ["list-order"],
    mutate: (inner) => ({
      list: (prefix, options) => inner.list(prefix, { ...options, limit: undefined }),
    }),
  },
  {
    what: "ignores where a list starts",
    fails: ["list-order"],
    mutate: (inner) => ({
      list: (prefix, options) => inner.list(prefix, { ...options, startAfter: undefined }),
    }),
  },
  {
    what: "lists the key that it starts after",
    fails: ["list-order"],
    mutate: (inner) => ({
      async *list(prefix, options = {}) {
        const { startAfter } = options;
        const info = startAfter === undefined ? undefined : await inner.head(startAfter);
        if (info !== undefined) yield info;
        yield* inner.list(prefix, options);
      },
    }),
  },
  {
    what: "loses what a list has above its limit of 8",
    fails: ["list-after-write", "list-order"],
    mutate: (inner) => relisted(inner, (items) => items.slice(0, 8)),
  },
  {
    what: "ignores ifVersion",
    fails: ["if-match"],
    mutate: (inner) => ({
      put: (key, body, call) => inner.put(key, body, { ...call, ifVersion: undefined }),
    }),
  },
  {
    what: "replaces what it refuses to",
    fails: ["if-match"],
    mutate: (inner) => ({
      put: async (key, body, call = {}) => {
        try {
          return await inner.put(key, body, call);
        } catch (error) {
          const wasThere = (await inner.head(key)) !== undefined;
          if (isStoreError(error, "PRECONDITION_FAILED") && wasThere) await inner.put(key, body);
          throw error;
        }
      },
    }),
  },
  {
    what: "creates where an absent object was to be replaced",
    fails: ["if-match"],
    mutate: (inner) => ({
      put: async (key, body, call = {}) => {
        const isAbsent = (await inner.head(key)) === undefined;
        return await inner.put(key, body, isAbsent ? { ...call, ifVersion: undefined } : call);
      },
    }),
  },
  {
    what: "refuses every version",
    fails: ["if-match"],
    mutate: (inner) => ({
      put: async (key, body, call = {}) => {
        const ifVersion = call.ifVersion === undefined ? undefined : "none";
        return await inner.put(key, body, { ...call, ifVersion });
      },
    }),
  },
  {
    what: "answers the whole and calls it the range",
    fails: ["ranges"],
    mutate: (inner) => ({
      read: (key, call) =>
        faultyBucket(inner, () => ({ ignoreRange: "claims the range" })).read(key, call),
    }),
  },
  {
    what: "answers the whole for a range",
    fails: ["ranges"],
    mutate: (inner) => ({
      read: async (key, call = {}) => await inner.read(key, { ...call, range: undefined }),
    }),
  },
  {
    what: "fails for every range",
    fails: ["ranges"],
    mutate: (inner) => ({
      read: async (key, call = {}) => {
        if (call.range === undefined) return await inner.read(key, call);
        throw new StoreError({
          code: "UNAVAILABLE",
          operation: "read",
          message: "asked for a range, the answer is a 200",
        });
      },
    }),
  },
  {
    what: "answers the bytes beside the range",
    fails: ["ranges"],
    mutate: (inner) => ({
      read: async (key, call = {}) => {
        const { range } = call;
        const content = await inner.read(key, call);
        const { size } = content ?? {};
        if (range === undefined || content === undefined || size === undefined) return content;
        const whole = await collect((await inner.read(key))?.body ?? content.body);
        const start = Math.max(0, range.start - 1);
        const { end = size } = content.range;
        return contentOfBytes(content, whole.subarray(start, start + end - range.start));
      },
    }),
  },
  {
    what: "answers past the end with nothing",
    fails: ["ranges"],
    mutate: (inner) => ({
      read: async (key, call = {}) => {
        try {
          return await inner.read(key, call);
        } catch (error) {
          if (!isStoreError(error, "RANGE_NOT_SATISFIABLE")) throw error;
          return contentOfBytes({ size: 0, source: inner.name }, new Uint8Array());
        }
      },
    }),
  },
  {
    what: "is an hour ahead",
    fails: ["clock"],
    mutate: () => ({ serviceTime: () => new Date(Date.now() + 3_600_000) }),
  },
  {
    what: "stamps objects with another clock",
    fails: ["clock"],
    mutate: (inner) => ({
      head: async (key, call) => {
        const info = await inner.head(key, call);
        const modifiedAt = new Date(Date.now() - 3_600_000);
        return info === undefined ? undefined : { ...info, modifiedAt };
      },
    }),
  },
];
