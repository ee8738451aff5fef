import { useEffect, useState } from "preact/hooks";

/** A page, by the fragment of the address: it needs no route at the server. */
export type Route =
  | { readonly page: "tiers" }
  | { readonly page: "blobs"; readonly digest: string | undefined }
  | { readonly page: "tags"; readonly tag: string | undefined };

export function parseRoute(fragment: string): Route {
  const [, page, rest] = /^#\/([a-z]*)(?:\/(.*))?$/.exec(fragment) ?? [];
  const name = rest === undefined || rest === "" ? undefined : decoded(rest);
  if (page === "blobs") return { page, digest: name };
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

export const blobHref = (digest: string): string => `#/blobs/${encodeURIComponent(digest)}`;
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
