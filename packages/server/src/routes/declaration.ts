import type { z } from "@hono/zod-openapi";
import type { RouteAccess } from "../access/route-access.ts";

export type RouteMethod = "get" | "head" | "put" | "post" | "patch" | "delete";

/** One answer that a route may give. */
export interface DeclaredResponse {
  readonly description: string;
  /** Media type of its body; none: it has no body. */
  readonly media?: string | undefined;
  /** What the body is; left out for bytes. */
  readonly schema?: z.ZodType | undefined;
  /** Headers that it has, with what they say. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A request header that a route heeds. */
export interface DeclaredHeader {
  readonly description: string;
  /** What it must look like, or be; the documents alone use it. */
  readonly pattern?: RegExp | undefined;
  readonly values?: readonly [string, ...string[]] | undefined;
  readonly example?: string | undefined;
}

/** What a request's body is. */
export interface DeclaredBody {
  readonly description: string;
  readonly required: boolean;
  /** By media type; undefined: any bytes. */
  readonly media: Readonly<Record<string, z.ZodType | undefined>>;
}

/** A request as the documents show it, with the parameters of the path as their schemas show them. */
export interface RouteExample {
  /** Without the question mark. */
  readonly query?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Name of a file that is sent as it is. */
  readonly file?: string | undefined;
  /** Further words of curl. */
  readonly flags?: string | undefined;
}

/** Everything that the documents, the validation and the access control need to know of a route. */
export interface RouteDeclaration<Query = unknown> extends RouteAccess {
  readonly operationId: string;
  readonly method: RouteMethod;
  /** With parameters in braces, each one segment: `/v1/tags/{tag}/blob`. */
  readonly path: string;
  readonly group: "blobs" | "tags" | "service";
  readonly summary: string;
  readonly description?: string | undefined;
  /** A query with anything else in it is refused. */
  readonly query?: z.ZodType<Query> | undefined;
  /** Request headers that it heeds, with what they do. */
  readonly headers?: Readonly<Record<string, DeclaredHeader>> | undefined;
  readonly body?: DeclaredBody | undefined;
  readonly example?: RouteExample | undefined;
  /** By status. What is not here is the problem that any route may answer with. */
  readonly responses: Readonly<Record<number, DeclaredResponse>>;
}
