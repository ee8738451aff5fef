import { type Digest, parseDigest, StoreError } from "@bitstore/core";
import type { Asked } from "./transport.ts";

/** Reads the fields of an object that came from a server; each read fails for another type. */
export interface Fields {
  text(name: string): string;
  whole(name: string): number;
  number(name: string): number;
  flag(name: string): boolean;
  digest(name: string): Digest;
  /** The fields of an object within. */
  object(name: string): Fields;
  /** The fields of each object of an array. */
  objects(name: string): readonly Fields[];
  texts(name: string): readonly string[];
  /** Pairs of an object whose values are texts. */
  words(name: string): Readonly<Record<string, string>>;
  /** Reads a field that may be left out, or null. */
  maybe<T>(name: string, read: (name: string) => T): T | undefined;
}

/** Begins to read a value; INTERNAL where it is no object, or a field is not what it has to be. */
export function fieldsOf(value: unknown, asked: Asked, where = "the answer"): Fields {
  const refuse = (what: string): StoreError =>
    new StoreError({ code: "INTERNAL", ...asked, message: `${where} ${what}` });
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refuse("is no JSON object");
  }
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  const wrong = (name: string, wanted: string): StoreError =>
    refuse(`has ${given.has(name) ? "another" : "no"} ${name} where ${wanted} is wanted`);

  function text(name: string): string {
    const found = given.get(name);
    if (typeof found !== "string") throw wrong(name, "text");
    return found;
  }
  function number(name: string): number {
    const found = given.get(name);
    if (typeof found !== "number" || !Number.isFinite(found)) throw wrong(name, "a number");
    return found;
  }
  function whole(name: string): number {
    const found = number(name);
    if (!Number.isSafeInteger(found) || found < 0) throw wrong(name, "a whole number");
    return found;
  }
  function array(name: string): readonly unknown[] {
    const found = given.get(name);
    if (!Array.isArray(found)) throw wrong(name, "an array");
    return found;
  }
  return {
    text,
    number,
    whole,
    flag(name) {
      const found = given.get(name);
      if (typeof found !== "boolean") throw wrong(name, "true or false");
      return found;
    },
    digest(name) {
      try {
        return parseDigest(text(name));
      } catch {
        throw wrong(name, "a digest");
      }
    },
    object: (name) => fieldsOf(given.get(name), asked, `${name} of ${where}`),
    objects: (name) =>
      array(name).map((each, at) => fieldsOf(each, asked, `${name}[${at}] of ${where}`)),
    texts: (name) =>
      array(name).map((each) => {
        if (typeof each !== "string") throw wrong(name, "an array of texts");
        return each;
      }),
    words(name) {
      const pairs = Object.entries(Object(given.get(name) ?? {}));
      return Object.fromEntries(
        pairs.map(([key, word]) => {
          if (typeof word !== "string") throw wrong(name, "an object of texts");
          return [key, word];
        }),
      );
    },
    maybe: (name, read) => ((given.get(name) ?? undefined) === undefined ? undefined : read(name)),
  };
}
