import { type Bucket, type CallOptions, StoreError } from "@bitstore/core";

const grammar = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Checks a namespace's name and returns it. @throws INVALID_ARGUMENT for what is none. */
export function checkNamespace(name: string): string {
  if (grammar.test(name)) return name;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "",
    message:
      `${JSON.stringify(name.slice(0, 80))} is no namespace: it has 1 to 63 of a-z, 0-9 and -, ` +
      "and begins with a letter or digit",
  });
}

/** Yields the namespaces that have metadata in a bucket, ascending. */
export async function* listNamespaces(
  bucket: Bucket,
  { signal }: CallOptions = {},
): AsyncGenerator<string, void, void> {
  for await (const prefix of bucket.listPrefixes("v1/", { signal })) {
    const name = prefix.slice("v1/".length, -1);
    if (grammar.test(name)) yield name;
  }
}
