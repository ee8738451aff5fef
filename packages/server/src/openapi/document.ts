import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { DeclaredResponse, RouteDeclaration } from "../routes/declaration.ts";
import { problem } from "../routes/responses.ts";
import { curlExample } from "./curl-example.ts";
import { digestSchema, tagNameSchema } from "./schemas.ts";

/** What is read of an OpenAPI document by those who show or test it. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string;
  };
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, ApiSchema>> };
}

/** What is read of a JSON schema. */
export interface ApiSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly items?: ApiSchema;
  readonly properties?: Readonly<Record<string, ApiSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ApiSchema;
  readonly anyOf?: readonly ApiSchema[];
  readonly oneOf?: readonly ApiSchema[];
  readonly allOf?: readonly ApiSchema[];
}

/** Bodies by media type. */
export type ApiContent = Readonly<Record<string, { readonly schema?: ApiSchema }>>;

export interface ApiResponse {
  readonly description: string;
  readonly content?: ApiContent;
  readonly headers?: Readonly<Record<string, { readonly description?: string }>>;
}

export interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly "x-bitstore-scope": string;
  readonly "x-bitstore-confined": string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: {
    readonly description?: string;
    readonly required?: boolean;
    readonly content: ApiContent;
  };
  readonly responses: Readonly<Record<string, ApiResponse>>;
  readonly "x-codeSamples": readonly { readonly lang: string; readonly source: string }[];
}

export interface ApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: ApiSchema;
}

/** Bumped with the routes, not with the packages. */
const apiVersion = "1.0.0";

/** Makes the OpenAPI 3.1 document of declared routes, and of nothing else. */
export function openApiDocument(declarations: readonly RouteDeclaration[]): ApiDocument {
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  for (const declaration of declarations) {
    const { operationId, method, path, group, summary, description, scope, confined } = declaration;
    registry.registerPath({
      operationId,
      method,
      path,
      summary,
      ...(description === undefined ? {} : { description }),
      tags: [group],
      "x-bitstore-scope": scope,
      "x-bitstore-confined": confined,
      "x-codeSamples": [{ lang: "Shell", label: "curl", source: curlExample(declaration) }],
      ...(scope === "public" ? {} : { security: [{ bearer: [] }, {}] }),
      request: requestOf(declaration),
      responses: responsesOf(declaration),
    });
  }
  const document: unknown = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "bitstore",
      version: apiVersion,
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
      description:
        "Bytes named by their digest, found wherever they are, and tags whose history is never lost.",
    },
  });
  return document as ApiDocument;
}

/** Writes a document as it is committed. */
export function openApiText(document: ApiDocument): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

type Request = NonNullable<
  Parameters<OpenAPIHono["openAPIRegistry"]["registerPath"]>[0]["request"]
>;

function requestOf({ path, query, headers, body }: RouteDeclaration): Request {
  const request: Request = {};
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  if (names.length > 0) {
    const schemas = names.map((name) => [name, name === "tag" ? tagNameSchema : digestSchema]);
    request.params = z.object(Object.fromEntries(schemas));
  }
  if (query instanceof z.ZodObject) request.query = query;
  if (headers !== undefined) {
    const schemas = Object.entries(headers).map(([name, declared]) => {
      const { description, pattern, values, example } = declared;
      const plain = pattern === undefined ? z.string() : z.string().regex(pattern);
      const text = values === undefined ? plain : z.enum(values);
      return [name, text.optional().openapi({ description, example })];
    });
    request.headers = z.object(Object.fromEntries(schemas));
  }
  if (body !== undefined) {
    const { description, required, media } = body;
    const content = Object.entries(media).map(([name, schema]) => [
      name,
      { schema: schema ?? { type: "string" as const, format: "binary" } },
    ]);
    request.body = { description, required, content: Object.fromEntries(content) };
  }
  return request;
}

/** Any route may answer with a problem that is not its own; those of access are said of each. */
function responsesOf({
  responses,
  scope,
  method,
}: RouteDeclaration): Record<string, ReturnType<typeof responseOf>> {
  const plain = (description: string): DeclaredResponse =>
    method === "head" ? { description } : problem(description);
  const all: Record<string, DeclaredResponse> = { ...responses };
  if (scope !== "public") {
    all["401"] ??= plain("Credentials are missing or wrong.");
    all["403"] ??= plain("The caller may not do this.");
  }
  const sorted = Object.entries(all).sort(([one], [other]) => Number(one) - Number(other));
  sorted.push(["default", plain("Any other error; its `code` says which.")]);
  return Object.fromEntries(sorted.map(([status, each]) => [status, responseOf(each)]));
}

function responseOf({ description, media, schema, headers }: DeclaredResponse): {
  description: string;
  content?: Record<string, { schema: z.ZodType | { type: "string" } }>;
  headers?: Record<string, { description: string; schema: { type: "string" } }>;
} {
  const shown = Object.entries(headers ?? {}).map(([name, about]) => [
    name,
    { description: about, schema: { type: "string" as const } },
  ]);
  return {
    description,
    ...(media === undefined
      ? {}
      : { content: { [media]: { schema: schema ?? { type: "string" as const } } } }),
    ...(shown.length === 0 ? {} : { headers: Object.fromEntries(shown) }),
  };
}
