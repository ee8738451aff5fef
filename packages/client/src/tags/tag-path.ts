/** Path of a tag: its name is one segment. */
export function tagPath(tag: string): string {
  // A dot at the start is written as it is; a URL would resolve only a segment of one or two.
  return `/v1/tags/${encodeURIComponent(tag)}`;
}
