import type { ApiSchema } from "./document.ts";

/** Says in a line what a schema takes: `integer, 1 to 1000`, `"a" | "b"`, `{ digest: Digest }`. */
export function typeText(schema: ApiSchema | undefined): string {
  if (schema === undefined) return "bytes";
  const { $ref, const: only, enum: values, anyOf, oneOf, allOf, items, properties } = schema;
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf("/") + 1);
  if (only !== undefined) return JSON.stringify(only);
  if (values !== undefined) return values.map((each) => JSON.stringify(each)).join(" | ");
  const some = anyOf ?? oneOf ?? allOf;
  if (some !== undefined) {
    // A named type that is described once more stands beside nothing but its description.
    const parts = some.map(typeText).filter((each) => each !== "any");
    return parts.join(allOf === undefined ? " | " : " & ");
  }
  if (items !== undefined) {
    const item = typeText(items);
    return /[ ,]/.test(item) && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
  }
  if (properties !== undefined) return `{ ${fieldsText(schema, properties)} }`;
  return plainText(schema);
}

function fieldsText(
  { required = [] }: ApiSchema,
  properties: NonNullable<ApiSchema["properties"]>,
): string {
  return Object.entries(properties)
    .map(([name, each]) => `${name}${required.includes(name) ? "" : "?"}: ${typeText(each)}`)
    .join(", ");
}

function plainText(schema: ApiSchema): string {
  const { type, format, minimum, maximum, maxLength, additionalProperties } = schema;
  const name = typeof type === "string" ? type : (type ?? ["any"]).join(" | ");
  if (format === "binary") return "bytes";
  if (name === "object") {
    const value = typeof additionalProperties === "object" ? typeText(additionalProperties) : "any";
    return `map of ${value}`;
  }
  const unbounded = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER;
  const range =
    minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER
      ? ""
      : unbounded
        ? `, ${minimum} or more`
        : `, ${minimum} to ${maximum}`;
  const length = maxLength === undefined ? "" : `, ${maxLength} characters at most`;
  const form = format === undefined ? "" : `, ${format}`;
  return `${name}${form}${range}${length}`;
}
