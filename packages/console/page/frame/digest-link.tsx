import type { JSX } from "preact";
import { shortDigest } from "./format.ts";
import { blobHref, type EntryName, entryHref } from "./route.ts";

interface DigestLinkProps {
  readonly digest: string;
  /** The entry of a tag that names it: who is confined to tags has it through that alone. */
  readonly entry?: EntryName;
}

/** A digest, short, that leads to what the tiers say of it. */
export function DigestLink({ digest, entry }: DigestLinkProps): JSX.Element {
  const href = entry === undefined ? blobHref(digest) : entryHref(entry);
  return (
    <a class="digest" href={href} title={digest}>
      {shortDigest(digest)}
    </a>
  );
}
