import type { RouteDeclaration } from "../routes/declaration.ts";
import { exampleDigest, exampleTag } from "./schemas.ts";

/** Writes a route's example as words of a shell: `BITSTORE` is the server, `BITSTORE_TOKEN` a token. */
export function curlExample({ method, path, scope, example = {} }: RouteDeclaration): string {
  const { query, headers = {}, json, file, flags } = example;
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "tag" ? encodeURIComponent(exampleTag) : exampleDigest,
  );
  const hasBody = json !== undefined || file !== undefined;
  // What curl sends by itself need not be said.
  const verb = { get: "", head: "-I ", post: hasBody ? "" : "-X POST " }[method as string];
  const first = [
    `curl ${verb ?? `-X ${method.toUpperCase()} `}`,
    flags === undefined ? "" : `${flags} `,
    `"$BITSTORE${target}${query === undefined ? "" : `?${query}`}"`,
  ].join("");
  const sent = {
    ...(json === undefined ? {} : { "Content-Type": "application/json" }),
    ...(file === undefined ? {} : { "Content-Type": "application/octet-stream" }),
    ...headers,
  };
  return [
    first,
    ...(scope === "public" ? [] : ['-H "Authorization: Bearer $BITSTORE_TOKEN"']),
    ...Object.entries(sent).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(json === undefined ? [] : [`-d '${JSON.stringify(json)}'`]),
    ...(file === undefined ? [] : [`--data-binary @${file}`]),
  ].join(" \\\n  ");
}
