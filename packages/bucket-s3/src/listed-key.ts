/**
 * Returns how the keys of a page are read. They are escaped only where the answer says so: some
 * clones ignore the wish and answer with plain keys. A `+` stands for a space, as in a form.
 */
export function keyDecoder(encodingType: string | undefined): (key: string) => string {
  return encodingType === "url" ? decodeKey : (key) => key;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", "%20"));
  } catch {
    // Escapes of no UTF-8 can't come from a key that this driver would put.
    return key;
  }
}
