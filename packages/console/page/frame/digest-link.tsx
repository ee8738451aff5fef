import type { JSX } from "preact";
import { shortDigest } from "./format.ts";
import { blobHref } from "./route.ts";

/** A digest, short, that leads to what the tiers say of it. */
export function DigestLink({ digest }: { readonly digest: string }): JSX.Element {
  return (
    <a class="digest" href={blobHref(digest)} title={digest}>
      {shortDigest(digest)}
    </a>
  );
}
