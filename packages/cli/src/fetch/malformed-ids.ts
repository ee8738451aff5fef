import { StoreError } from "@bitstore/core";
import type { IdPlace } from "./read-ids.ts";

/** Remembers where the IDs stand that are none. */
export interface MalformedIds {
  add(id: string, place: IdPlace): void;
  /** Says what is wrong with an ID that was added, and in which line. */
  problemOf(id: string): StoreError | undefined;
}

/** IDs of which it is remembered where they stand: they are told of soon after they were read. */
const placesMax = 10_000;

/** Remembers malformed IDs; `onFirst` is told what may help against the first. */
export function malformedIds(onFirst: (advice: string) => void): MalformedIds {
  const places = new Map<string, IdPlace>();
  let isTold = false;
  return {
    add(id, place) {
      if (!places.has(id)) places.set(id, place);
      const [oldest] = places.keys();
      if (places.size > placesMax && oldest !== undefined) places.delete(oldest);
      const advice = adviceOf(place);
      if (isTold || advice === undefined) return;
      isTold = true;
      onFirst(advice);
    },
    problemOf(id) {
      const place = places.get(id);
      if (place === undefined) return undefined;
      const { line, column } = place;
      const where =
        column === undefined ? `line ${line}` : `line ${line}, ${JSON.stringify(column)}`;
      return new StoreError({
        code: "INVALID_ARGUMENT",
        operation: "parse",
        subject: where,
        message: `${JSON.stringify(id.slice(0, 160))} is no digest and no @TAG`,
      });
    },
  };
}

function adviceOf({ column, hasCommas }: IdPlace): string | undefined {
  if (column !== undefined) {
    return `digests are looked for in ${JSON.stringify(column)}; --column NAME names another column`;
  }
  return hasCommas ? "of CSV, --format csv --column NAME says where the digests are" : undefined;
}
