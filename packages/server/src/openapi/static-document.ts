import { allRoutes } from "../routes/all-routes.ts";
import { type ApiDocument, openApiDocument } from "./document.ts";

/** Makes the OpenAPI document without a server: what is committed, and what servers serve. */
export function staticDocument(): ApiDocument {
  const routes = allRoutes({
    ready: () => Promise.resolve({ status: "ready", checks: [], tiers: [] }),
    metrics: undefined,
    document: () => "",
  });
  return openApiDocument(routes.map(({ declaration }) => declaration));
}
