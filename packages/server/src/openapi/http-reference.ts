import type {
  ApiDocument,
  ApiOperation,
  ApiParameter,
  ApiResponse,
  ApiSchema,
} from "./document.ts";
import { referenceHead } from "./reference-head.ts";
import { typeText } from "./type-text.ts";

const titles: Readonly<Record<string, string>> = {
  blobs: "Blobs",
  tags: "Tags",
  service: "The server",
};

/** Writes the reference of the HTTP API, docs/http-api.md. */
export function httpReference({ paths, components }: ApiDocument): string {
  const lines = [referenceHead];
  const all = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const [group, title] of Object.entries(titles)) {
    lines.push(`## ${title}\n`);
    for (const { path, method, operation } of all) {
      if (!operation.tags.includes(group)) continue;
      lines.push(`### ${method.toUpperCase()} ${path}\n`, ...sectionOf(operation));
    }
  }
  lines.push("## Types\n", ...Object.entries(components.schemas).flatMap(typeSectionOf));
  return `${lines.join("\n").trimEnd()}\n`;
}

function sectionOf(operation: ApiOperation): string[] {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const lines = [`${summary}.${description === undefined ? "" : ` ${description}`}\n`];
  lines.push(`${accessOf(operation)}\n`);
  for (const { source } of operation["x-codeSamples"]) lines.push("```bash", source, "```\n");
  if (parameters.length > 0) {
    lines.push("| parameter | in | type | |", "|---|---|---|---|", ...parameters.map(rowOf), "");
  }
  if (requestBody !== undefined) lines.push(...bodyOf(requestBody));
  lines.push("| status | body | |", "|---|---|---|");
  for (const [status, response] of Object.entries(responses)) {
    if (status !== "default") lines.push(statusRowOf(status, response));
  }
  lines.push("");
  const headers = new Map(Object.values(responses).flatMap((each) => headersOf(each)));
  if (headers.size > 0) {
    const rows = [...headers].map(([name, about]) => `| \`${name}\` | ${cell(about)} |`);
    lines.push("| header of the answer | |", "|---|---|", ...rows, "");
  }
  return lines;
}

function accessOf(operation: ApiOperation): string {
  const { "x-bitstore-scope": scope, "x-bitstore-confined": confined } = operation;
  if (scope === "public") return "Open to anyone.";
  const prefixes: Readonly<Record<string, string>> = {
    never: "not for callers confined to tag prefixes",
    tag: "for callers confined to tag prefixes within those",
    any: "also for callers confined to tag prefixes",
  };
  return `Needs the scope \`${scope}\`; ${prefixes[confined] ?? ""}.`;
}

function rowOf({ name, in: place, required, description, schema }: ApiParameter): string {
  // A type that has a name is explained once, at the end.
  const own = schema?.$ref === undefined ? (description ?? schema?.description) : undefined;
  const where = required === true ? `${place}, required` : place;
  return `| \`${name}\` | ${where} | ${typeCell(schema)} | ${cell(own ?? "")} |`;
}

function bodyOf({
  description = "",
  required,
  content,
}: NonNullable<ApiOperation["requestBody"]>): string[] {
  const lines: string[] = [];
  const media = Object.entries(content).map(([name, { schema }]) =>
    schema?.properties === undefined ? `\`${name}\`: ${typeCell(schema)}` : `\`${name}\``,
  );
  const must = required === true ? "" : ", may be left out";
  lines.push(`Body${must} (${media.join("; ")}): ${description}\n`);
  for (const { schema } of Object.values(content)) {
    if (schema?.properties !== undefined) lines.push(...fieldTable(schema));
  }
  return lines;
}

function fieldTable({ properties = {}, required = [] }: ApiSchema): string[] {
  const rows = Object.entries(properties).map(([name, each]) => {
    const must = required.includes(name) ? "required" : "";
    return `| \`${name}\` | ${typeCell(each)} | ${must} | ${cell(each.description ?? "")} |`;
  });
  return ["| field | type | | |", "|---|---|---|---|", ...rows, ""];
}

function statusRowOf(status: string, { description, content = {} }: ApiResponse): string {
  const bodies = Object.entries(content).map(([media, { schema }]) =>
    media === "application/problem+json"
      ? "Problem"
      : media === "application/json" && schema?.type !== "string"
        ? typeCell(schema)
        : `\`${media}\``,
  );
  return `| ${status} | ${bodies.join(", ")} | ${cell(description)} |`;
}

function headersOf({ headers = {} }: ApiResponse): readonly [string, string][] {
  return Object.entries(headers).map(([name, { description = "" }]) => [name, description]);
}

function typeSectionOf([name, schema]: readonly [string, ApiSchema]): string[] {
  const about = schema.description === undefined ? [] : [`${schema.description}\n`];
  const fields =
    schema.properties === undefined ? [`A ${typeText(schema)}.\n`] : fieldTable(schema);
  return [`### ${name}\n`, ...about, ...fields];
}

function typeCell(schema: ApiSchema | undefined): string {
  const text = typeText(schema);
  return /[{"[]/.test(text) ? `\`${cell(text)}\`` : cell(text);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
