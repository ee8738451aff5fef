import { decodeTagName, encodeTagName } from "@bitstore/core";

/** Which logs of a namespace: tags, or pins, which are logs of their own named by digests. */
export type LogKind = "tags" | "pins";

const folders: Readonly<Record<LogKind, { readonly log: string; readonly marker: string }>> = {
  tags: { log: "t", marker: "d" },
  pins: { log: "p", marker: "q" },
};

/** Maps entries and markers of one namespace to keys, and back. */
export interface LogKeys {
  /** Prefix of all logs. */
  readonly root: string;
  /** Prefix of all markers of deleted tags. */
  readonly markers: string;
  /** Prefix of one tag's entries. */
  log(tag: string): string;
  entry(tag: string, seq: number): string;
  /** Sequence of an entry's key; undefined for a key that is no entry. */
  seqOf(tag: string, key: string): number | undefined;
  /** Name of a tag's prefix, such as `listPrefixes` gives it; undefined for another folder. */
  tagOf(prefix: string): string | undefined;
  /** Prefix of one tag's markers. */
  markersOf(tag: string): string;
  marker(tag: string, seq: number): string;
  markerOf(key: string): { readonly tag: string; readonly seq: number } | undefined;
  /** The longest prefix that all names share which start with `start`. */
  within(folder: "root" | "markers", start: string): string;
}

/** One past the greatest sequence: keys count down from it, so that the newest entry is first. */
const seqEnd = 2 ** 53 - 1;

export function logKeys(namespace: string, kind: LogKind): LogKeys {
  const { log, marker } = folders[kind];
  const root = `v1/${namespace}/${log}/`;
  const markers = `v1/${namespace}/${marker}/`;
  const logOf = (tag: string): string => `${root}${encodeTagName(tag)}/`;
  const markersOf = (tag: string): string => `${markers}${encodeTagName(tag)}/`;
  return {
    root,
    markers,
    log: logOf,
    entry: (tag, seq) => `${logOf(tag)}${pad16(seqEnd - seq)}.json`,
    seqOf(tag, key) {
      const digits = /^([0-9]{16})\.json$/.exec(key.slice(logOf(tag).length))?.[1];
      const seq = digits === undefined ? 0 : seqEnd - Number(digits);
      return seq >= 1 && seq < seqEnd ? seq : undefined;
    },
    tagOf: (prefix) => decodeTagName(prefix.slice(root.length, -1)),
    markersOf,
    marker: (tag, seq) => markersOf(tag) + pad16(seq),
    markerOf(key) {
      const [segment = "", digits = ""] = key.slice(markers.length).split("/");
      const tag = decodeTagName(segment);
      const seq = /^[0-9]{16}$/.test(digits) ? Number(digits) : 0;
      return tag !== undefined && seq >= 1 && seq < seqEnd ? { tag, seq } : undefined;
    },
    // A dot is written in two ways, at the end of a name and before it, so one at the end of the
    // start says nothing about the keys.
    within: (folder, start) =>
      (folder === "root" ? root : markers) + encodeTagName(start.replace(/\.+$/, "")),
  };
}

function pad16(value: number): string {
  return String(value).padStart(16, "0");
}
