import { StoreError } from "@bitstore/core";
import { issueWords } from "../wire/issue-words.ts";
import type { RouteDeclaration } from "./declaration.ts";
import type { Exchange } from "./exchange.ts";

/** A route: what it declares, and what it does. */
export interface Route {
  readonly declaration: RouteDeclaration;
  /** Answers, or throws a StoreError before the first byte of the answer. */
  readonly handle: (exchange: Exchange) => Promise<void>;
}

/** Makes a route whose query is checked before it is called. */
export function defineRoute<Query>(
  declaration: RouteDeclaration<Query>,
  handle: (exchange: Exchange, query: Query) => Promise<void>,
): Route {
  const { query } = declaration;
  return {
    declaration,
    handle: (exchange) => {
      if (query === undefined) {
        if (exchange.search !== "") readSearch(exchange.search, []);
        return handle(exchange, undefined as Query);
      }
      const parsed = query.safeParse(readSearch(exchange.search));
      if (parsed.success) return handle(exchange, parsed.data);
      const [issue] = parsed.error.issues;
      throw badQuery(
        `${issue?.path.join(".") || "the query"}: ${issue ? issueWords(issue) : "is wrong"}`,
      );
    },
  };
}

/** Parses a query into a map without a prototype; each name may stand in it once. */
function readSearch(search: string, known?: readonly string[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(search)) {
    const shown = JSON.stringify(name.slice(0, 80));
    if (known !== undefined) throw badQuery(`this route takes no query, and none of ${shown}`);
    if (name in values) throw badQuery(`${shown} is there twice`);
    values[name] = value;
  }
  return values;
}

function badQuery(message: string): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: "query",
    message,
  });
}
