import type { ApiDocument, ApiOperation, ApiParameter } from "./document.ts";

const titles: Readonly<Record<string, string>> = {
  blobs: "Blobs",
  tags: "Tags",
  service: "The server",
};

const head = `# HTTP API

Made from the routes themselves by \`test/docs/write-http-reference.ts\`; \`/openapi.json\` says the same
to programs.

Every error is \`application/problem+json\` with \`code\`, \`status\`, \`title\`, \`detail\`, \`requestId\`
and \`persistence\`: \`transient\` may succeed if it is asked again. \`docs/errors.md\` lists the codes.
Every answer has an \`X-Request-Id\`, the caller's own where it sent one. A tag in a path is one segment:
its slashes are written as \`%2F\`. A query parameter that a route does not know is refused.
`;

/** Writes the reference of the HTTP API, docs/http-api.md. */
export function httpReference({ paths }: ApiDocument): string {
  const lines = [head];
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
  return `${lines.join("\n").trimEnd()}\n`;
}

function sectionOf(operation: ApiOperation): string[] {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const lines = [`${summary}.${description === undefined ? "" : ` ${description}`}\n`];
  lines.push(`${accessOf(operation)}\n`);
  const shown = parameters.filter((each) => each.in !== "path");
  if (shown.length > 0) {
    lines.push("| parameter | in | |", "|---|---|---|", ...shown.map(rowOf), "");
  }
  if (requestBody !== undefined) {
    const media = Object.keys(requestBody.content).map((name) => `\`${name}\``);
    lines.push(`Body (${media.join(", ")}): ${requestBody.description ?? ""}\n`);
  }
  lines.push("| status | |", "|---|---|");
  for (const [status, { description: about }] of Object.entries(responses)) {
    if (status !== "default") lines.push(`| ${status} | ${cell(about)} |`);
  }
  lines.push("");
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

function rowOf({ name, in: place, description, schema }: ApiParameter): string {
  return `| \`${name}\` | ${place} | ${cell(description ?? schema?.description ?? "")} |`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
