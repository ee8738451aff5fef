import { useEffect, useState } from "preact/hooks";

export interface EntryName {
  readonly tag: string;
  readonly seq: number;
}

/** A page, by the fragment of the address: it needs no route at the server. */
export type Route =
  | { readonly page: "tiers" }
  | {
      readonly page: "blobs";
      readonly digest: string | undefined;
      /** One entry of a tag, looked up as `@TAG@SEQ` in place of a digest. */
      readonly entry: EntryName | undefined;
    }
  | { readonly page: "tags"; readonly tag: string | undefined };

export function parseRoute(fragment: string): Route {
  const [, page, rest] = /^#\/([a-z]*)(?:\/(.*))?$/.exec(fragment) ?? [];
  const name = rest === undefined || rest === "" ? undefined : decoded(rest);
  if (page === "blobs") {
    const entry = entryOf(name ?? "");
    return { page, digest: entry === undefined ? name : undefined, entry };
  }
  if (page === "tags") return { page, tag: name };
  return { page: "tiers" };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads `@TAG@SEQ`; undefined where it is none. No tag has an `@` in its name. */
export function entryOf(text: string): EntryName | undefined {
  const [, tag, seq] = /^@([^@]+)@([1-9]\d{0,14})$/.exec(text.trim()) ?? [];
  return tag === undefined ? undefined : { tag, seq: Number(seq) };
}

export const blobHref = (digest: string): string => `#/blobs/${encodeURIComponent(digest)}`;
export const entryHref = ({ tag, seq }: EntryName): string => blobHref(`@${tag}@${seq}`);
export const tagHref = (tag: string): string => `#/tags/${encodeURIComponent(tag)}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const onChange = (): void => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}
